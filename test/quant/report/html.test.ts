/** The page: complete, self-contained, and safe with any name. */
import { beforeAll, describe, expect, it } from 'vitest';
import { quantize } from '../../../src/quant/quantize.js';
import { QuantizationReport, report } from '../../../src/quant/report/report.js';
import { manualSeed } from '../../../src/tensor/random.js';
import { images, warmedUp } from '../models.js';

let found: QuantizationReport;
let page: string;
beforeAll(async () => {
  manualSeed(1);
  found = await report(await quantize(warmedUp(), images(2), { bits: 4 }), images(2), { title: 'Small net' });
  page = found.html();
});

const all = (expression: RegExp): string[] => [...page.matchAll(expression)].map(([, text]) => text);

describe('the page', () => {
  it('has a row and a drawing for each quantizer, in the order of the report', () => {
    const names = found.quantizers.map(({ name }) => name);
    expect(all(/<th scope="row"><a href="#q\d+">(.*?)<\/a>/g).map((text) => text.replaceAll('<wbr>', ''))).toEqual(
      names,
    );
    expect(all(/<article id="(q\d+)"/g)).toEqual(names.map((_, index) => `q${index + 1}`));
    expect(all(/<svg viewBox[^>]*>(<title)/g)).toHaveLength(names.length);
  });

  it('loads nothing and runs nothing', () => {
    expect(page).not.toMatch(/https?:|<script|<link|<img|@import|\ssrc=|url\((?!#hatch)/);
    expect(page).toContain("default-src 'none'");
  });

  it('is well formed: every element closed, every id unique, every reference there', () => {
    const open: string[] = [];
    const nothing = new Set(['meta', 'wbr', '!doctype']);
    for (const [, close, name, rest] of page.matchAll(/<(\/?)([a-z!][a-z0-9]*)([^>]*)>/g)) {
      if (nothing.has(name) || rest.endsWith('/')) continue;
      if (close === '') open.push(name);
      else expect(open.pop()).toBe(name);
    }
    expect(open).toEqual([]);
    const ids = all(/\sid="([^"]*)"/g);
    expect(new Set(ids).size).toBe(ids.length);
    const references = [...all(/href="#([^"]*)"/g), ...all(/aria-labelledby="([^"]*)"/g), ...all(/url\(#([^)]*)\)/g)];
    expect(references.filter((id) => !ids.includes(id))).toEqual([]);
  });

  it('speaks to screen readers and keyboards, in light and dark, on wide and narrow screens', () => {
    expect(page).toContain('<html lang="en">');
    expect(page).toContain('name="viewport"');
    expect(page).toContain('prefers-color-scheme:dark');
    expect(page).toMatch(/role="region" aria-labelledby="all" tabindex="0"/);
    expect(all(/<th scope="(col)"/g)).toHaveLength(9);
    expect(all(/<title id="q\d+-chart">(Histogram of \d+ values)/g)).toHaveLength(found.quantizers.length);
    expect(page).toContain(':focus-visible');
  });

  it('draws a line for each level where there are few, and for every so many where there are many', () => {
    const [row] = found.quantizers;
    const lines = (levels: number): number => {
      const html = new QuantizationReport({ ...found, title: 'x', quantizers: [{ ...row, levels }] }).html();
      return (/class="grid" d="([^"]*)"/.exec(html) as RegExpExecArray)[1].split('M').length - 1;
    };
    expect(lines(3)).toBe(3);
    expect(lines(16)).toBe(16);
    expect(lines(256)).toBe(32);
  });

  it('shows names as they are', () => {
    const [row] = found.quantizers;
    const name = '<img src=x onerror="alert(1)">&\'';
    const html = new QuantizationReport({
      ...found,
      title: name,
      quantizers: [{ ...row, name, operation: name, readers: [name], layers: [name], harm: 1 }],
    }).html();
    expect(html).not.toContain('<img');
    expect(html).toContain('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;&#39;');
  });

  it('has colours that can be told from what is behind them', () => {
    const schemes = [...page.matchAll(/:root\{([^}]*)\}/g)].map(([, text]) =>
      Object.fromEntries([...text.matchAll(/--([a-z]+):(#[0-9a-f]{6})/g)].map(([, name, colour]) => [name, colour])),
    );
    expect(schemes).toHaveLength(2);
    for (const { page: back, panel, text, muted, link, inside, beyond, ends, bar, levels } of schemes) {
      for (const colour of [text, muted, link]) {
        expect(contrast(colour, back)).toBeGreaterThanOrEqual(4.5);
        expect(contrast(colour, panel)).toBeGreaterThanOrEqual(4.5);
      }
      expect(contrast(text, bar)).toBeGreaterThanOrEqual(4.5);
      for (const colour of [inside, beyond, ends, levels]) expect(contrast(colour, back)).toBeGreaterThanOrEqual(3);
    }
  });
});

describe('the table', () => {
  it('has a line for each quantizer under a headline and a header', () => {
    const lines = found.table().split('\n');
    expect(lines).toHaveLength(3 + found.quantizers.length);
    expect(lines[0]).toMatch(/^Small net: output error .* % of the outputs' size \(2 items\)$/);
    expect(lines[1]).toMatch(/quantizer +kind +range +levels +cut off +signal\/noise +error off +harm/);
    found.quantizers.forEach(({ name }, index) => {
      expect(lines[3 + index]).toContain(name);
    });
    expect(new Set(lines.slice(3).map((line) => line.indexOf('  ', 5) > 0))).toEqual(new Set([true]));
  });
});

/** Contrast ratio of two colours (WCAG 2). */
function contrast(a: string, b: string): number {
  const luminance = (colour: string): number => {
    const [red, green, blue] = [1, 3, 5].map((start) => {
      const value = Number.parseInt(colour.slice(start, start + 2), 16) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}
