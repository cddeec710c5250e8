/**
 * An OpenVINO IR as the XML file has it: layers with numbered ports, and edges between them. Everything is
 * text or numbers here; what it means is the business of the writer and the reader.
 */

/** The only version that is written; version 10 is read too. */
export const IR_VERSION = 11;

/** Nested metadata: at the leaves strings, as in the file. */
export type RuntimeInfo = { readonly [key: string]: string | RuntimeInfo };

export interface IrPort {
  readonly id: number;
  /** Such as `FP32`; '' where an input port does not say. */
  readonly precision: string;
  /** -1 where the extent is not known. */
  readonly dims: readonly number[];
  /** Tensor names. */
  readonly names: readonly string[];
}

export interface IrLayer {
  readonly id: number;
  readonly name: string;
  readonly type: string;
  /** Such as `opset1`. */
  readonly version: string;
  /** The attributes of `<data>`; null without that element. */
  readonly data: Readonly<Record<string, string>> | null;
  readonly inputs: readonly IrPort[];
  readonly outputs: readonly IrPort[];
  /** Of a Result: tensor names of the model's output. */
  readonly outputNames: readonly string[];
}

/** From an output port to an input port. */
export interface IrEdge {
  readonly fromLayer: number;
  readonly fromPort: number;
  readonly toLayer: number;
  readonly toPort: number;
}

export interface IrDocument {
  readonly name: string;
  readonly layers: readonly IrLayer[];
  readonly edges: readonly IrEdge[];
  readonly runtimeInfo: RuntimeInfo;
}
