/** Random orthonormal vectors, for the orthogonal initialiser. */
import type { Generator } from '../tensor/random.js';

/**
 * `count` orthonormal vectors of `length` (>= count) numbers: the Gram-Schmidt process on normal vectors.
 * It leaves the direction of each vector as drawn, so the result is uniform over all such sets
 * (F. Mezzadri, "How to generate random matrices from the classical compact groups", 2007).
 */
export function orthonormalVectors(length: number, count: number, generator: Generator): Float64Array[] {
  const vectors: Float64Array[] = [];
  for (let index = 0; index < count; index++) {
    const vector = generator.fillNormal(new Float64Array(length));
    // Twice is enough: the second pass removes what rounding left of the first.
    for (let pass = 0; pass < 2; pass++) {
      for (const other of vectors) {
        const projection = dot(vector, other);
        for (let at = 0; at < length; at++) vector[at] -= projection * other[at];
      }
    }
    const norm = Math.sqrt(dot(vector, vector));
    for (let at = 0; at < length; at++) vector[at] /= norm;
    vectors.push(vector);
  }
  return vectors;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += a[at] * b[at];
  return sum;
}
