/**
 * The typed errors of the whole library. Every error a user can cause is one of these, so that a
 * program can tell a wrong shape from a damaged file without reading the message. The message says
 * what was wrong, where, and what to do about it.
 */

/** Details that a program can read back from an error; all of them also stand in the message. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** Base class of every error thrown on purpose by QuantGrad. */
export class QuantGradError extends Error {
  /** A stable, machine-readable code such as `SHAPE_MISMATCH`. */
  readonly code: string;
  readonly details: ErrorDetails;

  constructor(code: string, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.details = details;
  }
}

/** Shapes that do not fit each other or the operation. */
export class ShapeError extends QuantGradError {}
/** An element type that the operation or the backend does not take. */
export class DTypeError extends QuantGradError {}
/** The automatic differentiation was used in a way it cannot follow. */
export class AutogradError extends QuantGradError {}
/** A model that cannot be recorded as a graph, such as control flow that reads data. */
export class TraceError extends QuantGradError {}
/** An option or argument with a value that makes no sense. */
export class ValidationError extends QuantGradError {}
/** Something that is valid but that this version cannot do. */
export class UnsupportedError extends QuantGradError {}
/** A checkpoint that cannot be read, or that belongs to another model. */
export class CheckpointError extends QuantGradError {}
/** A file that does not follow its format. */
export class FormatError extends QuantGradError {}
/** A file that cannot be read or written: missing, protected, on a full disk. The operating system's error is the `cause`. */
export class FileError extends QuantGradError {}
/** A compute backend that is missing, failed, or was asked for something it cannot do. */
export class BackendError extends QuantGradError {}

/** The same error with the place in the model (such as `layer 'conv1'`) before its message; the innermost place stays. */
export function atPlace(error: unknown, place: string): unknown {
  if (!(error instanceof QuantGradError) || 'place' in error.details) return error;
  const ErrorClass = error.constructor as new (
    ...values: ConstructorParameters<typeof QuantGradError>
  ) => QuantGradError;
  return new ErrorClass(error.code, `At ${place}: ${error.message}`, { ...error.details, place }, error);
}
