// All domains: found by typing or by what is amiss with them, opened by a click, added in place, many changed at once.

import { Button, Group, Select, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Input, useCall } from '../api.ts';
import { BigTable, type Column } from '../parts/big-table.tsx';
import { formatNumber } from '../parts/format.ts';
import { Icon } from '../parts/icon.tsx';
import { knownWords } from '../parts/known-words.ts';
import { PageHead } from '../parts/page-head.tsx';
import { QuotaBar } from '../parts/quota-bar.tsx';
import { SearchField } from '../parts/search-field.tsx';
import { shownNames } from '../parts/shown-name.ts';
import { Empty } from '../parts/states.tsx';
import { useSession } from '../session.tsx';
import { AddDomain } from './domain-add.tsx';
import { BulkDomains } from './domain-bulk.tsx';
import { type DomainInfo, DomainState, useClassWords } from './domain-state.tsx';
import { RemovedDomains } from './domains-removed.tsx';

const route = getRouteApi('/shell/domains');
type Having = NonNullable<Input<'domain.list'>['having']>;

export function DomainsView() {
  const { t } = useTranslation();
  const { role } = useSession();
  const isHost = role === 'host';
  const { search = '', class: kind, having, show } = route.useSearch();
  const navigate = route.useNavigate();
  const [isAdding, { open, close }] = useDisclosure();
  const [ticked, setTicked] = useState<ReadonlySet<string>>(new Set());
  const narrow = (words: Partial<Record<'search' | 'class' | 'having', string | undefined>>) =>
    void navigate({ search: (now) => knownWords(now, words), replace: true });
  const input = {
    ...(search === '' ? {} : { search }),
    ...(kind === undefined ? {} : { class: kind as DomainInfo['class'] }),
    ...(having === undefined ? {} : { having: having as Having }),
  };
  const isNarrowed = Object.keys(input).length > 0;
  const add = (
    <Button leftSection={<Icon name="add" />} onClick={open}>
      {t('Add a domain')}
    </Button>
  );
  return (
    <>
      <PageHead title={t('Domains')} note={<Counts />}>
        {isHost ? (
          <Button
            variant="default"
            leftSection={<Icon name="history" />}
            onClick={() => void navigate({ search: (now) => ({ ...now, show: 'removed' }) })}
          >
            {t('Removed domains')}
          </Button>
        ) : null}
        {isHost ? add : null}
      </PageHead>
      <Group mb="sm" align="flex-end">
        <SearchField
          label={t('Find a domain')}
          value={search}
          onSearch={(text) => narrow({ search: text === '' ? undefined : text })}
        />
        <Narrowing kind={kind} having={having} onChange={narrow} />
      </Group>
      {isHost && ticked.size > 0 ? <BulkDomains names={[...ticked]} onDone={() => setTicked(new Set())} /> : null}
      <BigTable
        label={t('Domains')}
        operation="domain.list"
        input={input}
        columns={useColumns()}
        keyOf={({ name }) => name}
        onOpen={({ name }) => void navigate({ to: '/domains/$domain', params: { domain: name } })}
        selection={isHost ? { keys: ticked, onChange: setTicked } : undefined}
        height="calc(100dvh - 250px)"
        empty={
          isNarrowed ? (
            <Empty title={t('No domain is like that')}>
              <Button
                variant="default"
                onClick={() => narrow({ search: undefined, class: undefined, having: undefined })}
              >
                {t('Show all')}
              </Button>
            </Empty>
          ) : (
            <Empty title={t('No domain is hosted yet')}>
              <Text ta="center">
                {isHost
                  ? t('Add the first one: its mailboxes, aliases and lists come next.')
                  : t('The administrator of the host has given you none yet.')}
              </Text>
              {isHost ? add : null}
            </Empty>
          )
        }
      />
      <AddDomain isOpen={isAdding} onClose={close} />
      {isHost ? (
        <RemovedDomains
          isOpen={show === 'removed'}
          onClose={() => void navigate({ search: (now) => knownWords(now, { show: undefined }) })}
        />
      ) : null}
    </>
  );
}

function useColumns(): readonly Column<DomainInfo>[] {
  const { t } = useTranslation();
  const classes = useClassWords();
  return [
    { title: t('Domain'), cell: ({ name }) => shownNames(name), width: '3fr' },
    { title: t('Class'), cell: (row) => classes[row.class].short, width: '1.300fr' },
    { title: t('Mailboxes'), cell: (row) => <Taken value={row.mailboxes} limit={row.maxMailboxes} />, isNumber: true },
    { title: t('Aliases'), cell: (row) => <Taken value={row.aliases} limit={row.maxAliases} />, isNumber: true },
    {
      title: t('Quota given'),
      cell: ({ name, assignedQuotaBytes = 0, totalQuotaBytes = 0 }) =>
        totalQuotaBytes === 0 ? (
          t('no limit')
        ) : (
          <QuotaBar
            used={assignedQuotaBytes}
            limit={totalQuotaBytes}
            label={t('Quota given to the mailboxes of {{name}}', { name })}
          />
        ),
      width: '1.800fr',
    },
    { title: t('State'), cell: (row) => <DomainState domain={row} />, width: '2fr' },
  ];
}

/** `12 / 50`. */
function Taken({ value, limit }: { readonly value: number; readonly limit: number | undefined }) {
  if (limit === undefined) return formatNumber(value);
  return (
    <Text component="span" size="sm" fw={value * 10 >= limit * 9 ? 700 : 400}>
      {formatNumber(value)} / {formatNumber(limit)}
    </Text>
  );
}

function Counts() {
  const { t } = useTranslation();
  const { data } = useCall('domain.counts', {}, { staleTime: 30_000 });
  if (data === undefined) return <span>&nbsp;</span>;
  const { all, relay, off, maintenance } = data;
  const words = [
    t('Hosted: {{number}}', { number: formatNumber(all) }),
    ...(relay === 0 ? [] : [t('relayed: {{number}}', { number: formatNumber(relay) })]),
    ...(off === 0 ? [] : [t('off: {{number}}', { number: formatNumber(off) })]),
    ...(maintenance === 0 ? [] : [t('in maintenance: {{number}}', { number: formatNumber(maintenance) })]),
  ];
  return <span>{words.join(' · ')}</span>;
}

interface NarrowingProps {
  readonly kind: string | undefined;
  readonly having: string | undefined;
  readonly onChange: (words: { readonly class?: string | undefined; readonly having?: string | undefined }) => void;
}

function Narrowing({ kind, having, onChange }: NarrowingProps) {
  const { t } = useTranslation();
  const classes = useClassWords();
  return (
    <>
      <Select
        aria-label={t('Class')}
        placeholder={t('Every class')}
        clearable
        clearButtonProps={{ 'aria-label': t('Every class') }}
        w={190}
        value={kind ?? null}
        onChange={(value) => onChange({ class: value ?? undefined })}
        data={(['mailbox', 'alias', 'relay'] as const).map((value) => ({ value, label: classes[value].short }))}
      />
      <Select
        aria-label={t('State')}
        placeholder={t('Every state')}
        clearable
        clearButtonProps={{ 'aria-label': t('Every state') }}
        w={190}
        value={having ?? null}
        onChange={(value) => onChange({ having: value ?? undefined })}
        data={[
          { value: 'near-limit', label: t('Near a limit') },
          { value: 'no-postmaster', label: t('No postmaster') },
          { value: 'off', label: t('Off') },
          { value: 'maintenance', label: t('In maintenance') },
          { value: 'catch-all', label: t('With a catch-all') },
        ]}
      />
    </>
  );
}
