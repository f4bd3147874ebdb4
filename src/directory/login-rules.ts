// Whether the owner of a mailbox may log in just now: by which protocols, and whether the password has to be changed
// first. The password's own end concerns the password alone: app passwords and tokens have ends of their own.

import type { SqliteConnection, Statement } from '../database/sqlite.ts';
import { checkProtocols } from './login-protocols.ts';
import { refuse } from './refusal.ts';

/** As changes give it; absent stays. */
export interface LoginRuleSettings {
  /** Empty: all. `none` alone: nobody logs in. */
  readonly protocols?: readonly string[];
  readonly mustChange?: boolean;
  /** Milliseconds since 1970; 0: never. A new password has no end unless one is given with it. */
  readonly passwordExpires?: number;
}

/** As a mailbox is shown: only what is set. */
export interface LoginRuleInfo {
  readonly protocols?: readonly string[];
  readonly mustChange?: true;
  readonly passwordChanged?: number;
  readonly passwordExpires?: number;
}

interface LoginRuleColumns {
  readonly protocols: string;
  readonly must_change: number;
  readonly password_changed: number;
  readonly password_expires: number;
}

export const noProtocol = 'none';

export const noLoginRules: LoginRuleColumns = {
  protocols: '',
  must_change: 0,
  password_changed: 0,
  password_expires: 0,
};

/** `isNewPassword`: whoever has it has chosen it, unless the change says that it must be changed again. */
export function changedLoginRules(
  row: LoginRuleColumns,
  changes: LoginRuleSettings,
  isNewPassword: boolean,
  now: number,
): LoginRuleColumns {
  const { protocols, mustChange, passwordExpires } = changes;
  const isTime = passwordExpires === undefined || (Number.isSafeInteger(passwordExpires) && passwordExpires >= 0);
  if (!isTime) refuse('that is no time at which a password could end');
  return {
    protocols: protocols === undefined ? row.protocols : joinProtocols(protocols),
    must_change: mustChange === undefined ? (isNewPassword ? 0 : row.must_change) : Number(mustChange),
    password_changed: isNewPassword ? now : row.password_changed,
    password_expires: passwordExpires ?? (isNewPassword ? 0 : row.password_expires),
  };
}

function joinProtocols(words: readonly string[]): string {
  if (words.length === 1 && words[0] === noProtocol) return noProtocol;
  return checkProtocols(words).join(' ');
}

export function describeLoginRules(row: LoginRuleColumns): LoginRuleInfo {
  return {
    ...(row.protocols === '' ? {} : { protocols: row.protocols.split(' ') }),
    ...(row.must_change === 1 ? { mustChange: true as const } : {}),
    ...(row.password_changed === 0 ? {} : { passwordChanged: row.password_changed }),
    ...(row.password_expires === 0 ? {} : { passwordExpires: row.password_expires }),
  };
}

/** The columns of an object that an event holds. */
export function loginRuleColumns(info: LoginRuleInfo): LoginRuleColumns {
  return {
    protocols: info.protocols?.join(' ') ?? '',
    must_change: info.mustChange === true ? 1 : 0,
    password_changed: info.passwordChanged ?? 0,
    password_expires: info.passwordExpires ?? 0,
  };
}

export interface LoginRules {
  /** Absent: all. */
  readonly protocols?: readonly string[];
  readonly mustChange: boolean;
  /** 0: never. */
  readonly passwordExpires: number;
}

export class LoginRuleLookups {
  readonly #ask: <T>(read: () => T) => T;
  readonly #rules: Statement;

  constructor(connection: SqliteConnection, ask: <T>(read: () => T) => T) {
    this.#ask = ask;
    this.#rules = connection.prepare('SELECT protocols, must_change, password_expires FROM mailbox WHERE id = ?').raw();
  }

  of(mailbox: number): LoginRules {
    const row = this.#ask(() => this.#rules.get(mailbox) as [string, number, number] | undefined);
    const [protocols, mustChange, passwordExpires] = row ?? [noProtocol, 0, 0];
    const limit = protocols === '' ? {} : { protocols: protocols.split(' ') };
    return { ...limit, mustChange: mustChange === 1, passwordExpires };
  }
}
