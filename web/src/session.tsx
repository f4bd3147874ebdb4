// Who is logged in. Everything below knows it from here; a login that has ended anywhere leads to the login page.

import { useQuery, useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useCallback, useContext, useEffect, useState } from 'react';
import { call, onSessionEnded, type Output, Problem } from './api.ts';

export type Session = Output<'account.show'>;
export type Role = Session['role'];

export const sessionKey = ['session'];

const Context = createContext<Session | undefined>(undefined);

export function SessionProvider({ session, children }: { readonly session: Session; readonly children: ReactNode }) {
  return <Context.Provider value={session}>{children}</Context.Provider>;
}

/** Only below the shell, where somebody is logged in. */
export function useSession(): Session {
  const session = useContext(Context);
  if (session === undefined) throw new Error('nobody is logged in here');
  return session;
}

/** Undefined while it is being asked; null where nobody is logged in. */
export function useWhoIsThere() {
  return useQuery({ queryKey: sessionKey, queryFn: ({ signal }) => readSession(signal), staleTime: 60_000 });
}

async function readSession(signal: AbortSignal): Promise<Session | null> {
  try {
    return await call('account.show', {}, { signal });
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return null;
    throw error;
  }
}

interface Ended {
  /** Whose session has ended without their doing. */
  readonly ended: Session | undefined;
  readonly again: (session: Session) => void;
  readonly leave: () => void;
}

/** What was shown stays while the session's owner logs in again; nothing of it is shown to anybody else. */
export function useEndedSession(): Ended {
  const queries = useQueryClient();
  const [ended, setEnded] = useState<Session>();
  useEffect(
    () =>
      onSessionEnded(() => {
        const current = queries.getQueryData<Session | null>(sessionKey);
        if (!current) return;
        setEnded(current);
        queries.setQueryData(sessionKey, null);
      }),
    [queries],
  );
  const again = useCallback(
    (session: Session) => {
      if (session.login === ended?.login) void queries.invalidateQueries();
      else queries.removeQueries({ predicate: isOfSomebody });
      queries.setQueryData(sessionKey, session);
      setEnded(undefined);
    },
    [queries, ended],
  );
  const leave = useCallback(() => {
    queries.removeQueries({ predicate: isOfSomebody });
    setEnded(undefined);
  }, [queries]);
  return { ended, again, leave };
}

function isOfSomebody({ queryKey }: { readonly queryKey: readonly unknown[] }): boolean {
  return queryKey[0] !== sessionKey[0];
}

export function useLogout(): () => Promise<void> {
  const queries = useQueryClient();
  return async () => {
    await call('session.remove', {}).catch(() => undefined);
    // Nothing of the one who was here is shown to the next.
    queries.setQueryData(sessionKey, null);
    queries.removeQueries({ predicate: isOfSomebody });
  };
}
