/** The layers of the page's network in plain words. */
import type { LayerHistogram } from '../../protocol.js';

const NAMES: readonly (readonly [RegExp, string])[] = [
  [/^block(\d)\.conv$/, 'Convolution $1'],
  [/^block(\d)\.relu$/, 'Output of convolution $1'],
  [/^fc$/, 'The layer that decides'],
  [/^(input|image|x).*$/, 'The image itself'],
];

/** Another layer's name stays as it is. */
export function layerName(layer: string): string {
  for (const [pattern, name] of NAMES) {
    if (pattern.test(layer)) return layer.replace(pattern, name);
  }
  return layer;
}

export const optionName = ({ layer }: LayerHistogram): string => {
  const name = layerName(layer);
  return name === layer ? layer : `${name} (${layer})`;
};
