// Whether the link is good, before anybody fills in a form for nothing.

import { Alert, Code, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { call, Problem } from '../../api.ts';
import { Icon } from '../../parts/icon.tsx';
import { Failed, Loading } from '../../parts/states.tsx';
import { StepHead } from './step-head.tsx';

interface LinkCheckProps {
  readonly token: string;
  readonly children: (token: string) => ReactNode;
}

export function LinkCheck({ token, children }: LinkCheckProps) {
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
    />
  );
}

function NewLink({ title, text }: { readonly title: string; readonly text: string }) {
  const { t } = useTranslation();
  return (
    <>
      <StepHead title={title}>{text}</StepHead>
      <Alert variant="light" color="gray" icon={<Icon name="key" />} title={t('Have a new link shown')}>
        <Stack gap="xs" align="flex-start">
          <Text size="sm">{t('Type this on the host, as the user that the server runs as:')}</Text>
          <Code>bin/posthaste setup-link</Code>
        </Stack>
      </Alert>
    </>
  );
}
