/** docs/nncf-parity.md from what runs have found. */
import { readFileSync } from 'node:fs';
import type { NetworkComparison, Row, Section } from './results.js';

const VERSIONS = 'NNCF 3.4.0, PyTorch 2.13.0, OpenVINO 2026.4.1';

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** Small figures in powers of ten; none at all as 0. */
const small = (value: number): string => (value === 0 ? '0' : value.toExponential(1));

function networkRow(comparison: NetworkComparison): string[] {
  const { name, variant, placement, values, quantizers, weights, channelActivations } = comparison;
  const { range, ownRange, biases, corrected, bias, rawBias, int8 } = comparison;
  return [
    name,
    variant,
    `${quantizers} (${weights} / ${channelActivations})`,
    placement.length === 0 ? 'identical' : `**${placement.length} differ**`,
    ownRange === range ? small(range) : `${small(range)} (${small(ownRange)})`,
    `${small(bias)} (${small(rawBias)})`,
    `${corrected} of ${biases}`,
    values.length === 0 ? 'within' : `**${values.length} beyond**`,
    int8 ? `${int8.own} / ${int8.nncf} of ${int8.layers}` : '',
  ];
}

function edgeRow({ name, variant, placement, values, range }: NetworkComparison): string[] {
  const same = placement.length + values.length === 0;
  return [
    name.replace('edge values: ', ''),
    variant,
    same ? 'the same' : `**${placement.length + values.length} differ**`,
    small(range),
  ];
}

const plainRows = (rows: readonly Row[]): string =>
  table(
    ['what', 'bound', 'result'],
    rows.map(({ what, bound, result }) => [what, bound, result]),
  );

/** The table of differences that are meant, of docs/quantization.md, as rows of cells. */
function meantDifferences(): string[][] {
  const lines = readFileSync(new URL('../../docs/quantization.md', import.meta.url), 'utf8').split('\n');
  const head = lines.indexOf('| case | NNCF | here | why |');
  const rows = lines.slice(head + 2);
  const cells = rows
    .slice(
      0,
      rows.findIndex((line) => !line.startsWith('|')),
    )
    .map((line) => line.split('|').slice(1, -1));
  return cells.map((row) => row.map((cell) => cell.trim()));
}

/** What brings NNCF's behaviour back, by words of the case. */
const SWITCHES: readonly (readonly [RegExp, string])[] = [
  [/bias of a (transposed|depthwise)/, '`fastBiasCorrection: false`: full correction, which both do for these layers'],
  [/more than once/, 'give each use a layer of its own'],
  [/Maximum/, '`ignoredScope: { types: ["Maximum"] }`'],
  [/`ignoredScope`$/, 'leave the layers in, and out of `ignoredScope`'],
];

/** Differences that only show against the OpenVINO backend. */
const OF_OPENVINO = [
  [
    'weights midway between two codes',
    'rounds the level counted from the lowest code to even, in float32',
    "rounds the signed code, as NNCF's PyTorch backend in training",
    'a file must hold what was trained; with the overflow fix, the largest weight of each channel of a first layer is such a case',
  ],
  [
    'an asymmetric range with zero midway between two levels',
    'rounding of float32 sums decides which end moves to bring zero onto the grid',
    'the same rule, on sums in another order',
    'float32',
  ],
];

const onPurpose = (): string =>
  table(
    ['case', 'NNCF', 'here', 'why', 'switch'],
    [...meantDifferences(), ...OF_OPENVINO].map((row) => [
      ...row,
      SWITCHES.find(([words]) => words.test(row[0]))?.[1] ?? 'none',
    ]),
  );

/**
 * @param sections In the order in which they are to be told.
 * @param missing Names of parts that have not been run.
 */
export function reportOf(sections: readonly (readonly [string, Section])[], missing: readonly string[]): string {
  const all = sections.map(([, section]) => section);
  const comparisons = all.flatMap((section) => section.comparisons);
  const sum = (key: 'passed' | 'failed'): number => all.reduce((total, section) => total + section[key], 0);
  const faults = all.flatMap((section) => section.faults);
  const left = missing.map((name) => `\`npm run test:nncf -- ${name}\`: not yet, on the machine of this report.`);
  const skipped = [...left, ...all.flatMap((section) => section.skipped)];
  return `# Agreement with NNCF

\`npm run test:nncf\` compares quantization with the real NNCF (${VERSIONS}) and writes this page. It passed
${sum('passed')} checks and failed ${sum('failed')}. \`npm run test:nncf -- resnet18\` compares one network,
\`-- arithmetic\`, \`edges\`, \`training\`, \`accuracyControl\`, \`trained\`, \`cost\` or \`fineTuning-resnet20-32\` one of the
other parts. The page is put together from the last result of each part.

## After training

Each network has the same random float weights and 32 calibration items on both sides. It is written as float OpenVINO
IR, which NNCF quantizes with its OpenVINO backend and this library reads back, so that nodes have the same names.
*Quantizers*: all of them, those of weights and, of activations, those with a range per channel. *Places and kinds*: the set of quantized edges, with
per tensor or per channel, symmetric or asymmetric, signed or unsigned, and number of levels. *Ranges*: the largest
difference of an end, relative to the widest range of its quantizer (in brackets: to its own width, for ranges per
channel); the bound is 1e-5. *Biases*: the largest difference after bias correction, relative to the largest output
of the layer, beyond what weights midway between two codes explain (in brackets: in all); the bound is 1e-4. *Corrected*:
how many biases NNCF changed. *INT8*: layers with weights that OpenVINO's CPU plugin computes in INT8 in our file and in
NNCF's, of all; all that do in NNCF's must in ours. The codes of all weights in our file are also compared with those of
a forward pass in training, and are the same where nothing is said under *Failed*.

${table(
  ['network', 'preset', 'quantizers', 'places and kinds', 'ranges', 'biases', 'corrected', 'values', 'INT8'],
  comparisons.filter(({ edge }) => !edge).map(networkRow),
)}

\`transformer\` is \`modelType: 'transformer'\`, with SmoothQuant; \`fullCorrection\` is \`performance\` with full instead of
fast bias correction and without overflow fix. Weights are drawn so that none is midway between two codes: such ties are
rounded differently (see below), and full correction carries one changed code through all layers behind. With ties left
in, MobileNetV2's biases differ by 5.8e-4 of the output's scale and GoogLeNet's by 2.8e-3; with the default overflow fix,
which makes a tie of the largest weight of each channel of the first layer, by 1.5e-2 and 3.6e-2, and by 6.8e-5 and 5.6e-5
once this library is given NNCF's codes of the weights (measured once).

Ranges per channel differ more, relative to their own width, than others: the maximum of a small channel is as uncertain as
float32 sums of large values are, and that adds up from layer to layer. Neither side is closer to what float64 gives (table
below: *Mean distance of ranges per channel*); the distance is 1e-7 in the first layers and 1e-5 in single channels of the
last.

## Unusual values

Decisions for a 1x1, a depthwise and a linear layer (one element: a linear layer of one weight) whose calibration items
are of these sizes: places, kinds, ranges, corrected biases.

${table(
  ['items', 'preset', 'decisions', 'ranges differ by at most'],
  comparisons.filter(({ edge }) => edge).map(edgeRow),
)}

## Arithmetic, training, accuracy, cost

Against NNCF's PyTorch backend. Accuracy is of the trained networks in \`../shared/models\`, whose figures for NNCF are
recorded there.

The bound of 0.2 points between a file in INT8 and our own accuracy holds where the processor adds products of codes
exactly (x86 with VNNI or AMX), and on every processor with \`overflowFix: 'enable'\`. x86 processors without VNNI saturate
sums of two products at 16 bits, which the default overflow fix, as NNCF's, prevents in first layers only; there the bound
holds against the file that NNCF makes of the same float file with the same images and options, which loses as much. That
saturation is the reason is shown by computing the very same files in float32 in OpenVINO, which gives our accuracy again.

Losses of single batches in fine-tuning depend on how float32 sums are rounded, because a value next to the middle between
two codes takes either: NNCF's own first eight losses of MobileNetV2 move by up to 7% when its images are multiplied by
1 + 1e-6 (measured once), which is why the bound is wider there.

Accuracy control ranks groups of quantizers by scores, which NNCF takes from models as OpenVINO runs them. Where sums of
codes saturate, that changes scores, and with them the order of groups. So the comparison computes NNCF's models in float32,
without overflow fix and with full bias correction; the last figure of each row is what saturation does to NNCF's scores on
the processor of this report, as a share of the drop.

${plainRows(all.flatMap((section) => section.rows))}

## What differs on purpose

${onPurpose()}

Placement, ranges, corrected biases and training of many small networks are compared with recordings of NNCF's PyTorch
backend in the ordinary tests as well (\`test/quant/oracle\`).
${skipped.length === 0 ? '' : `\n## Not run\n\n${skipped.map((text) => `- ${text}`).join('\n')}\n`}${
  faults.length === 0 ? '' : `\n## Failed\n\n\`\`\`\n${faults.join('\n')}\n\`\`\`\n`
}`;
}
