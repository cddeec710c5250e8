/**
 * Coefficients of the float32 approximations that backends without accurate functions of their own compute with, lowest
 * power first: those of S. Moshier's Cephes library (1989, netlib.org/cephes, folder single).
 */

/** (e^r - 1 - r) / r^2 for |r| <= ln(2) / 2: `expf`. */
export const EXP = [5.0000001201e-1, 1.6666665459e-1, 4.1665795894e-2, 8.3334519073e-3, 1.3981999507e-3, 1.98756915e-4];

/** ln 2 in two parts, the first exact in a few bits. */
export const LN2_HIGH = 0.693359375;
export const LN2_LOW = -2.1219444e-4;

/** (ln(1 + f) - f + f^2 / 2) / f^3 for 1 + f from sqrt(1/2) to sqrt(2): `logf`. */
export const LOG = [
  3.3333331174e-1, -2.4999993993e-1, 2.0000714765e-1, -1.6668057665e-1, 1.4249322787e-1, -1.242014084e-1,
  1.167699874e-1, -1.151461031e-1, 7.0376836292e-2,
];

/** ln(1 + z) = 2 artanh(s) with s = z / (2 + z): 2 artanh(s) / s in s^2 for |s| up to 1/3, by its power series. */
export const ARTANH = Array.from({ length: 8 }, (_, index) => 2 / (2 * index + 1));

/** (tanh(x) - x) / x^3 in x^2 for |x| < 0.625: `tanhf`. */
export const TANH = [-3.33332819422e-1, 1.33314422036e-1, -5.37397155531e-2, 2.06390887954e-2, -5.70498872745e-3];
export const TANH_LIMIT = 0.625;

/** erf(u) / u in u^2 for u < 1: `erff`. */
export const ERF = [
  1.12837916572671, -3.7612625824233e-1, 1.128358514861418e-1, -2.685381193529856e-2, 5.188327685732524e-3,
  -8.010193625184903e-4, 7.853861353153693e-5,
];

/** erfc(u) u e^(u^2) in 1 / u^2 for u from 1 to 2: `erfcf`. */
export const ERFC_MIDDLE = [
  5.638259427386472e-1, -2.741127028184656e-1, 3.404879937665872e-1, -4.944515323274145e-1, 6.210004621745983e-1,
  -5.824733027278666e-1, 3.687424674597105e-1, -1.387039388740657e-1, 2.326819970068386e-2,
];

/** The same for larger u. */
export const ERFC_FAR = [
  5.641895067754075e-1, -2.820767439740514e-1, 4.218463358204948e-1, -1.0152652792027, 2.921019019210786,
  -7.495518717768503, 1.297719955372516e1, -1.047766399936249e1,
];
