// A setting that cannot be used: stops the start, or the command, with one line that says what to change.

import type { Origin } from './origin.ts';
import { formatOrigin } from './origin.ts';

export class SettingsError extends Error {
  override name = 'SettingsError';
  /** The parameter's name, when the mistake belongs to one. */
  readonly parameter: string | undefined;
  readonly origin: Origin | undefined;

  constructor(text: string, parameter?: string, origin?: Origin) {
    super(origin === undefined || origin.kind === 'default' ? text : `${formatOrigin(origin)}: ${text}`);
    this.parameter = parameter;
    this.origin = origin;
  }
}
