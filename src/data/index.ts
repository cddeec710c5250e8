/** Datasets, the loader, and calibration data. */
export { ArrayDataset } from './arrayDataset.js';
export { CalibrationDataset } from './calibrationDataset.js';
export { type Collated, defaultCollate } from './collate.js';
export { DataLoader, type DataLoaderOptions, type DataLoaderState } from './dataLoader.js';
export type { Dataset } from './dataset.js';
export { type RandomSplitOptions, randomSplit, Subset } from './subset.js';
export { TensorDataset } from './tensorDataset.js';
export { type Transform, TransformDataset } from './transformDataset.js';
