/**
 * Operations that hardware runs as one, so that no quantizer goes between them. The patterns are chains of
 * operation kinds (NNCF's torch patterns); matching is strict, longest chain first, each node once.
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

const PATTERNS: OperationKind[][] = [
  ['linear', 'batchNorm'],
  ['linear', 'activation'],
  ['linear', 'batchNorm', 'activation'],
  ['linear', 'activation', 'batchNorm'],
  ['linear', 'arithmetic'],
  ['linear', 'addition', 'scaling'],
  ['batchNorm', 'activation'],
  ['activation', 'batchNorm'],
  ['arithmetic', 'batchNorm'],
  ['arithmetic', 'activation'],
  ['arithmetic', 'batchNorm', 'activation'],
  ['arithmetic', 'activation', 'batchNorm'],
  ['input', 'addition', 'scaling'],
  ['addition', 'scaling'],
];

/** Longest first. */
export const FUSED_PATTERNS: readonly (readonly OperationKind[])[] = PATTERNS.sort((a, b) => b.length - a.length);
