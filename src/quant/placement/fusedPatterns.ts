/**
 * Operations that hardware runs as one, so that no quantizer goes between them: NNCF's patterns for PyTorch
 * (`torch/hardware/fused_patterns.py`). Patterns are tried longest first, and in this order where they are equally long.
 */

/** Operations by the part they play in a pattern. */
export type OperationKind = 'linear' | 'arithmetic' | 'addition' | 'scaling' | 'batchNorm' | 'activation' | 'input';

const KINDS: Readonly<Record<string, readonly OperationKind[]>> = {
  Convolution: ['linear'],
  GroupConvolution: ['linear'],
  ConvolutionBackpropData: ['linear'],
  GroupConvolutionBackpropData: ['linear'],
  MatMul: ['linear'],
  Add: ['arithmetic', 'addition'],
  Subtract: ['arithmetic', 'addition'],
  Multiply: ['arithmetic', 'scaling'],
  Divide: ['arithmetic', 'scaling'],
  BatchNormInference: ['batchNorm'],
  ReLU: ['activation'],
  Clamp: ['activation'],
  Elu: ['activation'],
  PReLU: ['activation'],
  Sigmoid: ['activation'],
  Gelu: ['activation'],
  Swish: ['activation'],
  HSigmoid: ['activation'],
  HSwish: ['activation'],
  Parameter: ['input'],
};

export const hasKind = (type: string, kind: OperationKind): boolean => KINDS[type]?.includes(kind) ?? false;

/** One operation of a pattern: its kind or type, and which earlier ones of the pattern it reads. */
export interface PatternNode {
  readonly kind?: OperationKind;
  readonly type?: string;
  readonly sources: readonly number[];
}

/** In an order in which every operation comes after what it reads; only the first may read anything else. */
export type Pattern = readonly PatternNode[];

/** Activations that are written out with simpler operations; -1 is the value they are applied to. */
const WRITTEN_OUT: readonly Pattern[] = [
  // Swish: x sigmoid(x).
  [
    { type: 'Sigmoid', sources: [-1] },
    { type: 'Multiply', sources: [-1, 0] },
  ],
  // Hard swish: x (clamp(x + 3) / 6) and x clamp(x + 3) / 6.
  [
    { type: 'Add', sources: [-1] },
    { type: 'Clamp', sources: [0] },
    { type: 'Divide', sources: [1] },
    { type: 'Multiply', sources: [-1, 2] },
  ],
  [
    { type: 'Add', sources: [-1] },
    { type: 'Clamp', sources: [0] },
    { type: 'Multiply', sources: [-1, 1] },
    { type: 'Divide', sources: [2] },
  ],
  // Hard sigmoid: clamp(x + 3) / 6.
  [
    { type: 'Add', sources: [-1] },
    { type: 'Clamp', sources: [0] },
    { type: 'Divide', sources: [1] },
  ],
];

/** Adds to a pattern what reads its last operation. */
const extend = (pattern: Pattern, tail: Pattern): Pattern => [
  ...pattern,
  ...tail.map((node) => ({ ...node, sources: node.sources.map((source) => source + pattern.length) })),
];

/** The patterns of operations in a row; each activation may be a single operation or written out. */
function chain(...kinds: readonly OperationKind[]): Pattern[] {
  return kinds.reduce<Pattern[]>(
    (patterns, kind, index) => {
      const single: Pattern = [{ kind, sources: index === 0 ? [] : [-1] }];
      const tails = kind === 'activation' && index > 0 ? [single, ...WRITTEN_OUT] : [single];
      return patterns.flatMap((pattern) => tails.map((tail) => extend(pattern, tail)));
    },
    [[]],
  );
}

const PATTERNS: Pattern[] = [
  ...chain('addition', 'scaling'),
  ...chain('input', 'addition', 'scaling'),
  ...chain('linear', 'arithmetic'),
  // A product or sum of a value with itself.
  [
    { kind: 'linear', sources: [] },
    { kind: 'arithmetic', sources: [0, 0] },
  ],
  ...chain('linear', 'addition', 'scaling'),
  ...chain('batchNorm', 'activation'),
  ...chain('activation', 'batchNorm'),
  ...chain('linear', 'batchNorm'),
  ...chain('linear', 'activation'),
  ...chain('linear', 'batchNorm', 'activation'),
  ...chain('linear', 'activation', 'batchNorm'),
  ...chain('arithmetic', 'batchNorm'),
  ...chain('arithmetic', 'activation'),
  ...chain('arithmetic', 'batchNorm', 'activation'),
  ...chain('arithmetic', 'activation', 'batchNorm'),
];

export const FUSED_PATTERNS: readonly Pattern[] = PATTERNS.sort((a, b) => b.length - a.length);
