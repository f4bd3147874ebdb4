// What operations ask of the configuration of the running server: main.cf and master.cf as they are on disk, what lint says
// of them, and changes of parameters. The composition root fills it in.

export interface SettingOverride {
  readonly service: string;
  readonly type: string;
  readonly line: number;
  readonly value: string;
}

export interface SettingInfo {
  readonly name: string;
  readonly area: string;
  readonly kind: 'text' | 'list' | 'flag' | 'integer' | 'time';
  /** Of a time without a letter. */
  readonly unit?: string;
  readonly words?: readonly string[];
  readonly min?: number;
  readonly max?: number;
  readonly default: string;
  /** As written; empty for a secret. */
  readonly value: string;
  /** With `$names` replaced, where that is something else. */
  readonly expanded?: string;
  readonly isSet: boolean;
  readonly isSecret: boolean;
  readonly origin: {
    readonly kind: 'default' | 'first-start' | 'file';
    readonly file?: string;
    readonly line?: number;
  };
  readonly status: 'supported' | 'unsupported' | 'unneeded';
  readonly text: string;
  readonly needsRestart: boolean;
  /** Why it is changed on the machine only. */
  readonly machineOnly?: string;
  /** `-o` in master.cf. */
  readonly overrides: readonly SettingOverride[];
}

export interface SettingFinding {
  readonly rule: string;
  readonly severity: 'error' | 'warning' | 'hint';
  readonly file: string;
  readonly line: number;
  readonly text: string;
  readonly consequence: string;
  readonly mend: string;
  /** What stands on that line. */
  readonly parameter?: string;
  readonly service?: string;
}

export interface LintReport {
  readonly findings: readonly SettingFinding[];
  readonly isCut: boolean;
}

export interface ServiceInfo {
  readonly name: string;
  readonly type: string;
  readonly command: string;
  readonly file: string;
  readonly line: number;
  readonly state: 'listening' | 'running' | 'within' | 'off';
  readonly addresses: readonly string[];
  readonly overrides: readonly { readonly name: string; readonly value: string }[];
}

export interface ChangedSetting {
  readonly before: string | undefined;
  readonly after: string | undefined;
  readonly isSecret: boolean;
  /** What counts only after a restart, from now or from before. */
  readonly restart: readonly string[];
  /** What lint did not say before. */
  readonly findings: readonly SettingFinding[];
}

export interface SettingsPart {
  /** In the order of areas and names. */
  list(): Promise<readonly SettingInfo[]>;
  /** Undefined for a name that is neither known nor set. */
  show(name: string): Promise<SettingInfo | undefined>;
  lint(): Promise<LintReport>;
  services(): Promise<readonly ServiceInfo[]>;
  /**
   * Undefined takes the line away. Throws ProblemError with what is wrong; then nothing has changed. `check` may throw too: it
   * is asked when no other change over the network can come between.
   */
  set(name: string, value: string | undefined, check?: () => Promise<void>): Promise<ChangedSetting>;
  /** Puts back what was there before the last change of it over the network; the file's very bytes where nobody has changed it since. */
  undo(name: string, check?: () => Promise<void>): Promise<ChangedSetting>;
  /** Whether the server's user may write the files: where not, changes are made on the machine. */
  isWritable(): Promise<boolean>;
  /** Changes on disk that wait for a restart. */
  pendingRestart(): readonly string[];
}
