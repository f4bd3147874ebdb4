// Step 2: the name by which other servers know the host, and what they find about it.

import { Alert, Button, Card, Group, List, Stack, Text, TextInput, Title } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call, type Output, useCall } from '../../api.ts';
import { HostCheck } from '../../parts/host-check.tsx';
import { Icon } from '../../parts/icon.tsx';
import { AnchorLink } from '../../parts/links.tsx';
import { useRestartWords } from '../../parts/restart-words.ts';
import { Failed, Loading } from '../../parts/states.tsx';
import { useSubmit } from '../../parts/use-submit.ts';
import { StepHead } from './step-head.tsx';

const route = getRouteApi('/setup');

export function HostStep() {
  const { t } = useTranslation();
  const host = useCall('host.show', {});
  return (
    <>
      <StepHead title={t('What is this host called?')}>
        {t('Other mail servers look the name up before they take mail from here.')}
      </StepHead>
      {host.isPending ? <Loading /> : null}
      {host.error === null ? null : <Failed error={host.error} onRetry={() => void host.refetch()} />}
      {host.data === undefined ? null : <HostForm host={host.data} />}
    </>
  );
}

function CertificateNames() {
  const { t } = useTranslation();
  return (
    <Text size="sm">
      {t('These are the names that the server gets certificates for. They contain the host name; change them here:')}{' '}
      <AnchorLink size="sm" to="/settings" search={{ tab: 'parameters', name: 'posthaste_acme_hosts' }}>
        posthaste_acme_hosts
      </AnchorLink>
    </Text>
  );
}

function HostForm({ host }: { readonly host: Output<'host.show'> }) {
  const { t } = useTranslation();
  const wordsOf = useRestartWords();
  const queries = useQueryClient();
  const navigate = route.useNavigate();
  const [name, setName] = useState(host.hostname);
  const [checked, setChecked] = useState(host.hostname);
  const [fieldError, setFieldError] = useState<string>();
  const { needsRestart } = host;
  const { isBusy, error, run } = useSubmit(['hostname']);
  const wanted = name.trim().toLowerCase();
  const isSaved = host.isSet && wanted === host.hostname.toLowerCase();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (isSaved) {
      void navigate({ search: { step: 'domain' } });
      return;
    }
    setFieldError(undefined);
    await run(
      async () => {
        const set = await call('host.set', { hostname: wanted });
        setName(set.hostname);
        setChecked(set.hostname);
        await queries.invalidateQueries({ queryKey: ['host.show'] });
      },
      (_field, text) => setFieldError(text),
    );
  };
  return (
    <form onSubmit={(event) => void submit(event)} noValidate>
      <Stack gap="lg">
        <Card withBorder p={{ base: 'md', sm: 'xl' }}>
          <Stack>
            {error === undefined ? null : <Failed error={error} />}
            <TextInput
              label={t('Host name')}
              description={t('As mail.example.com. It is kept in main.cf (myhostname).')}
              placeholder="mail.example.com"
              autoCapitalize="none"
              spellCheck={false}
              required
              value={name}
              error={fieldError}
              onChange={(event) => setName(event.currentTarget.value)}
            />
            {needsRestart.length === 0 ? null : (
              <Alert
                color="blue"
                variant="light"
                icon={<Icon name="server" />}
                title={t('Saved. Restart the server when it suits')}
              >
                <Text size="sm" mb="xs">
                  {t('New connections are told the new name already; for the rest the server must be started anew:')}
                </Text>
                <List size="sm">
                  {needsRestart.map((line) => (
                    <List.Item key={line}>
                      {wordsOf(line)}
                      {line.startsWith('posthaste_acme_hosts ') ? <CertificateNames /> : null}
                    </List.Item>
                  ))}
                </List>
              </Alert>
            )}
          </Stack>
        </Card>
        <Card withBorder p={{ base: 'md', sm: 'xl' }} component="section" aria-label={t('What others find')}>
          <Stack>
            <Title order={2} size="h4">
              {t('What others find')}
            </Title>
            <HostCheck hostname={checked} />
          </Stack>
        </Card>
        <Group justify="flex-end">
          {isSaved || wanted === checked || wanted === '' ? null : (
            <Button variant="default" onClick={() => setChecked(wanted)}>
              {t('Only check it')}
            </Button>
          )}
          <Button type="submit" loading={isBusy}>
            {isSaved ? t('Continue') : t('Use this name')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
