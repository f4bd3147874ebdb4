// Whether the link is good, before anybody fills in a form for nothing.

import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { call, Problem } from '../../api.ts';
import { HowToLink } from '../../login/not-set-up.tsx';
import { Failed, Loading } from '../../parts/states.tsx';
import { StepHead } from './step-head.tsx';

interface LinkCheckProps {
  readonly token: string;
  /** As the host's command is typed there. */
  readonly command: string;
  readonly children: (token: string) => ReactNode;
}

export function LinkCheck({ token, command, children }: LinkCheckProps) {
  const { t } = useTranslation();
  const query = useQuery<unknown, Problem>({
    queryKey: ['setup link', token],
    queryFn: () => call('setup.check', { token }),
    enabled: token !== '',
    // A wrong one counts as a guess.
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });
  if (token === '')
    return (
      <NewLink
        title={t('This page needs its link')}
        text={t('The link is shown when the server starts for the first time.')}
        command={command}
      />
    );
  if (query.isPending) return <Loading />;
  if (query.error === null) return children(token);
  if (query.error.status !== 403) return <Failed error={query.error} onRetry={() => void query.refetch()} />;
  return (
    <NewLink
      title={t('This link is not good')}
      text={t(
        'A setup link is good once, for a day, and only the newest one. It may also have been cut when it was copied.',
      )}
      command={command}
    />
  );
}

interface NewLinkProps {
  readonly title: string;
  readonly text: string;
  readonly command: string;
}

function NewLink({ title, text, command }: NewLinkProps) {
  return (
    <>
      <StepHead title={title}>{text}</StepHead>
      <HowToLink command={command} />
    </>
  );
}
