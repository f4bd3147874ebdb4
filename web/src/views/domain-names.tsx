// Alias domains: other names under which every address of this domain is known. A new name is the host's to give.

import { Badge, Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useQueries } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call, keyOf, type Output } from '../api.ts';
import { SmallTable } from '../parts/big-table.tsx';
import { Form } from '../parts/form.tsx';
import { usePlannedChange } from '../parts/plan-preview.tsx';
import { shownNames } from '../parts/shown-name.ts';
import { Empty, Failed } from '../parts/states.tsx';
import { useSession } from '../session.tsx';
import type { DomainInfo } from './domain-state.tsx';

type AliasDomain = Output<'alias-domain.show'>;

/** A domain has some; what comes beyond is counted. */
const maxShown = 100;

export function AliasDomainsTab({ domain }: { readonly domain: DomainInfo }) {
  const { t } = useTranslation();
  const { role } = useSession();
  const planned = usePlannedChange();
  const isHost = role === 'host';
  const names = domain.aliasDomains.slice(0, maxShown);
  const found = useQueries({
    queries: names.map((name) => ({
      queryKey: keyOf('alias-domain.show', { name }),
      queryFn: ({ signal }: { signal: AbortSignal }) => call('alias-domain.show', { name }, { signal }),
    })),
  });
  const rows = found.flatMap(({ data }) => (data === undefined ? [] : [data]));
  const failed = found.find(({ error }) => error !== null);
  const remove = async (name: string) =>
    void (await planned.run({
      operation: 'alias-domain.remove',
      input: { name },
      title: t('Remove {{name}}?', { name }),
      confirm: t('Remove'),
      done: t('{{name}} is removed', { name }),
      asksAlways: true,
    }));
  const turn = async ({ name, active }: AliasDomain) =>
    void (await planned.run({
      operation: 'alias-domain.set',
      input: { name, active: !active },
      done: active ? t('{{name}} is off', { name }) : t('{{name}} is on', { name }),
    }));
  return (
    <Stack>
      <Text size="sm" c="dimmed">
        {t('Every address of an alias domain means the same address of {{domain}}.', { domain: domain.name })}
      </Text>
      {planned.problem === undefined ? null : <Failed error={planned.problem} />}
      {failed === undefined ? null : <Failed error={failed.error} onRetry={() => void failed.refetch()} />}
      {isHost ? <AddName target={domain.name} /> : null}
      {names.length === 0 ? (
        <Empty title={t('It has no other name')} />
      ) : (
        <SmallTable
          label={t('Alias domains')}
          rows={rows}
          keyOf={({ name }) => name}
          columns={[
            { title: t('Alias domain'), cell: ({ name }) => <span title={name}>{shownNames(name)}</span> },
            {
              title: t('State'),
              cell: ({ active }) => (
                <Badge variant="light" color={active ? 'green' : 'red'} tt="none">
                  {active ? t('fine') : t('off')}
                </Badge>
              ),
            },
            {
              title: t('Action'),
              cell: (row) => (
                <Group gap="xs" wrap="nowrap">
                  <Button
                    size="xs"
                    variant="default"
                    loading={planned.isBusy}
                    aria-label={
                      row.active
                        ? t('Turn off {{name}}', { name: row.name })
                        : t('Turn on {{name}}', { name: row.name })
                    }
                    onClick={() => void turn(row)}
                  >
                    {row.active ? t('Turn off') : t('Turn on')}
                  </Button>
                  {isHost ? (
                    <Button
                      size="xs"
                      variant="light"
                      color="red"
                      loading={planned.isBusy}
                      aria-label={t('Remove {{name}}', { name: row.name })}
                      onClick={() => void remove(row.name)}
                    >
                      {t('Remove…')}
                    </Button>
                  ) : null}
                </Group>
              ),
            },
          ]}
        />
      )}
      {domain.aliasDomains.length > maxShown ? (
        <Text size="sm">{t('and {{number}} more', { number: domain.aliasDomains.length - maxShown })}</Text>
      ) : null}
      {planned.dialog}
    </Stack>
  );
}

function AddName({ target }: { readonly target: string }) {
  const { t } = useTranslation();
  const planned = usePlannedChange();
  const [name, setName] = useState('');
  const add = async () => {
    const input = { name: name.trim().toLowerCase(), target };
    const done = t('{{name}} is there', { name: input.name });
    if ((await planned.run({ operation: 'alias-domain.add', input, done })) !== undefined) setName('');
  };
  return (
    <Form onSubmit={add}>
      <Group align="flex-end">
        <TextInput
          label={t('Another name')}
          placeholder="example.org"
          required
          value={name}
          error={planned.problem?.text}
          style={{ flex: '1 1 240px' }}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Button type="submit" loading={planned.isBusy}>
          {t('Add')}
        </Button>
      </Group>
      {planned.dialog}
    </Form>
  );
}
