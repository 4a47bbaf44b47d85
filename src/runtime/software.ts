/** What is known of an adapter; a part of `GPUAdapter`, which not every environment has types for. */
interface Adapter {
  readonly info: {
    readonly isFallbackAdapter?: boolean;
    readonly description: string;
    readonly device: string;
    readonly architecture: string;
  };
}

/** Whether an adapter runs on the processor, where WebAssembly is several times faster. */
export const isSoftware = ({ info }: Adapter): boolean =>
  (info.isFallbackAdapter ?? false) ||
  /llvmpipe|lavapipe|swiftshader|basic render/i.test(`${info.description} ${info.device} ${info.architecture}`);
