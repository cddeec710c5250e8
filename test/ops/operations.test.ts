/** The list of operations is complete. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { OPERATIONS, operationOfType } from '../../src/ops/operations.js';

const ops = new URL('../../src/ops/', import.meta.url);
const files = (readdirSync(ops, { recursive: true }) as string[]).filter(
  (file) => file.endsWith('.ts') && file.includes('/'),
);

const isDefinition = (value: unknown): value is { type: string } =>
  typeof value === 'object' && value !== null && 'type' in value && 'infer' in value;

describe('OPERATIONS', () => {
  it('holds every definition that src/ops exports', async () => {
    const missing: string[] = [];
    for (const file of files) {
      const exports = (await import(/* @vite-ignore */ new URL(file, ops).href)) as Record<string, unknown>;
      for (const [name, value] of Object.entries(exports)) {
        if (isDefinition(value) && !OPERATIONS.includes(value as (typeof OPERATIONS)[number]))
          missing.push(`${file}: ${name}`);
      }
    }
    expect(files.length).toBeGreaterThan(50);
    expect(missing).toEqual([]);
  });

  it('has each type once, and finds it', () => {
    const types = OPERATIONS.map(({ type }) => type);
    expect(new Set(types).size).toBe(types.length);
    for (const definition of OPERATIONS) expect(operationOfType(definition.type)).toBe(definition);
    expect(operationOfType('NoSuchOperation')).toBeUndefined();
  });

  it('computes each in exactly one way', () => {
    for (const { type, lower, decompose, bypass } of OPERATIONS) {
      expect([
        type,
        Number(lower !== undefined) + Number(decompose !== undefined || (!lower && bypass !== undefined)),
      ]).toEqual([type, 1]);
    }
  });
});
