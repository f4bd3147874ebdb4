// What `posthaste health` shows, as the control socket carries it.

export const checkNames = [
  'listeners',
  'queue',
  'disk',
  'certificates',
  'accounting',
  'alarms',
  'trace',
  'clock',
  'dns',
  'faults',
] as const;

export interface HealthCheck {
  readonly check: (typeof checkNames)[number];
  /** `unknown`: it could not be found out. */
  readonly state: 'good' | 'warning' | 'bad' | 'unknown';
  /** One line for people. */
  readonly text: string;
  /** What it was judged by. */
  readonly values: Readonly<Record<string, number>>;
}

export interface HealthReport {
  readonly checks: readonly HealthCheck[];
  /** The last errors of the log, the oldest first. */
  readonly faults: readonly { readonly time: number; readonly program: string; readonly text: string }[];
}
