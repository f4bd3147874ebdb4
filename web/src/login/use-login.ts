// Logging in step by step: a password, then a code where the server asks for one; or a passkey alone. Who has been locked out
// waits until the time is over that the server has named.

import { useCallback, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call, Problem } from '../api.ts';
import type { Session } from '../session.tsx';
import { hasPasskeyHere, rememberPasskey } from './passkey-here.ts';

export interface LoginState {
  readonly step: 'password' | 'code';
  readonly isBusy: boolean;
  readonly error: unknown;
  /** At the code. */
  readonly codeError: string | undefined;
  /** When the lock-out ends (milliseconds since 1970). */
  readonly lockedUntil: number | undefined;
  /** True when it was right so far. */
  readonly withPassword: (login: string, password: string) => Promise<boolean>;
  readonly withCode: (code: string) => Promise<boolean>;
  readonly withPasskey: () => Promise<void>;
  readonly back: () => void;
}

interface Given {
  readonly login: string;
  readonly password: string;
}

/** A challenge is good for five minutes. */
const offerMilliseconds = 4 * 60_000;

export function useLogin(onDone: (session: Session) => void): LoginState {
  const { t } = useTranslation();
  const [given, setGiven] = useState<Given>();
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [codeError, setCodeError] = useState<string>();
  const [lockedUntil, setLockedUntil] = useState<number>();
  const refused = useCallback(
    (problem: unknown, isCode: boolean, login?: string): void => {
      if (!(problem instanceof Problem)) return setError(problem);
      if (problem.status === 429 && problem.retryAfterSeconds !== undefined) {
        setLockedUntil(Date.now() + problem.retryAfterSeconds * 1000);
      } else if (isCode && problem.field === 'code') {
        setCodeError(t('This code is not right, or has been used already. Wait for the next one.'));
      } else if (problem.status === 401 && problem.kind === 'denied') {
        setGiven(undefined);
        setError(new Error(wrongLogin(login, t)));
      } else setError(problem);
    },
    [t],
  );
  const attempt = async (
    work: () => Promise<Session | undefined>,
    isCode: boolean,
    login?: string,
  ): Promise<boolean> => {
    setBusy(true);
    setError(undefined);
    setCodeError(undefined);
    setLockedUntil(undefined);
    try {
      const session = await work();
      if (session !== undefined) onDone(session);
      return session !== undefined;
    } catch (problem) {
      refused(problem, isCode, login);
      return false;
    } finally {
      setBusy(false);
    }
  };
  useOfferedPasskey(onDone);
  return {
    step: given === undefined ? 'password' : 'code',
    isBusy,
    error,
    codeError,
    lockedUntil,
    withPassword: (login, password) =>
      attempt(
        async () => {
          try {
            return await call('session.add', { login, password });
          } catch (problem) {
            if (!(problem instanceof Problem) || problem.kind !== 'second-factor') throw problem;
            setGiven({ login, password });
            return undefined;
          }
        },
        false,
        login,
      ),
    withCode: (code) => attempt(async () => await call('session.add', { ...(given as Given), code }), true),
    withPasskey: async () => {
      await attempt(async () => {
        const { logInWithPasskey } = await import('./passkey-login.ts');
        return remembered(await logInWithPasskey(false));
      }, false);
    },
    back: () => {
      setGiven(undefined);
      setCodeError(undefined);
      setError(undefined);
    },
  };
}

/** What a login looks like, where what was typed is no address: that tells nothing of who is here. */
function wrongLogin(login: string | undefined, t: (text: string) => string): string {
  const wrong = t('The login or the password is wrong.');
  if (login === undefined || login.includes('@')) return wrong;
  const whole = t('A mailbox logs in with its whole address, as anna@example.com.');
  if (/^[\w.+-]*$/.test(login.trim())) return `${wrong} ${whole}`;
  return `${wrong} ${t('The letters a to z, digits and . _ @ + - make up the login of an administrator.')} ${whole}`;
}

function remembered(session: Session | undefined): Session | undefined {
  if (session !== undefined) rememberPasskey();
  return session;
}

/** Where one has been used before, the browser offers it beside the names that it knows. */
function useOfferedPasskey(onDone: (session: Session) => void): void {
  useEffect(() => {
    if (!hasPasskeyHere()) return undefined;
    let isOver = false;
    let stop = (): void => undefined;
    const offer = async (): Promise<void> => {
      const { canOffer, logInWithPasskey, stopOffering } = await import('./passkey-login.ts');
      if (isOver || !(await canOffer())) return;
      stop = stopOffering;
      // What goes wrong with an offer that nobody has asked for is nothing to tell.
      const session = await logInWithPasskey(true).catch(() => undefined);
      if (session !== undefined && !isOver) onDone(session);
    };
    void offer();
    const timer = setInterval(() => void offer(), offerMilliseconds);
    return () => {
      isOver = true;
      clearInterval(timer);
      stop();
    };
  }, [onDone]);
}
