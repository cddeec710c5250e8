/** Measuring where the time of a model goes. A module of its own: programs that only train do not load it. */
export { formatProfile } from './format.js';
export { type MachineLimits, measureLimits } from './limits.js';
export {
  type KernelTotal,
  type ModelProfileOptions,
  type Profile,
  type ProfiledStep,
  type ProfileOptions,
  profileModel,
  profileStep,
} from './profile.js';
