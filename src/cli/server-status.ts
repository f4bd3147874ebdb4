// What `posthaste status` shows, as the control socket carries it.

export interface ServerStatus {
  readonly version: string;
  readonly pid: number;
  readonly uptimeSeconds: number;
  readonly configDirectory: string;
  readonly dataDirectory: string;
  readonly listeners: readonly { readonly name: string; readonly address: string }[];
  readonly connections: { readonly smtp: number; readonly imap: number };
  readonly queue: { readonly messages: number; readonly hold: number };
  readonly residentBytes: number;
}
