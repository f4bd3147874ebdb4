// All domains: found by typing, opened by a click, added in place.

import { Badge, Button, Group, Modal, Select, Stack, TextInput } from '@mantine/core';
import { useDebouncedValue, useDisclosure } from '@mantine/hooks';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call, type Output } from '../api.ts';
import { BigTable, type Column } from '../parts/big-table.tsx';
import { formatNumber } from '../parts/format.ts';
import { Icon } from '../parts/icon.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Empty, Failed } from '../parts/states.tsx';
import { useChange } from '../parts/use-change.ts';
import { useSession } from '../session.tsx';

export type DomainInfo = Output<'domain.show'>;

export function DomainsView() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { role } = useSession();
  const [text, setText] = useState('');
  const [search] = useDebouncedValue(text.trim(), 200);
  const [isAdding, { open, close }] = useDisclosure();
  const columns: readonly Column<DomainInfo>[] = [
    { title: t('Domain'), cell: ({ name }) => name, width: '3fr' },
    { title: t('Class'), cell: (row) => row.class },
    { title: t('Mailboxes'), cell: ({ mailboxes }) => formatNumber(mailboxes), isNumber: true },
    { title: t('Aliases'), cell: ({ aliases }) => formatNumber(aliases), isNumber: true },
    { title: t('Lists'), cell: ({ lists }) => formatNumber(lists), isNumber: true },
    { title: t('State'), cell: (row) => <DomainState domain={row} />, width: '2fr' },
  ];
  return (
    <>
      <PageHead title={t('Domains')}>
        {role === 'host' ? (
          <Button leftSection={<Icon name="add" />} onClick={open}>
            {t('Add a domain')}
          </Button>
        ) : null}
      </PageHead>
      <TextInput
        mb="sm"
        aria-label={t('Find a domain')}
        placeholder={t('Find a domain')}
        leftSection={<Icon name="search" />}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <BigTable
        label={t('Domains')}
        operation="domain.list"
        input={search === '' ? {} : { search }}
        columns={columns}
        keyOf={({ name }) => name}
        onOpen={({ name }) => void navigate({ to: '/domains/$domain', params: { domain: name } })}
        empty={
          search === '' ? (
            <Empty title={t('No domain is hosted yet')}>
              {role === 'host' ? <Button onClick={open}>{t('Add the first one')}</Button> : null}
            </Empty>
          ) : (
            <Empty title={t('No domain is called like that')} />
          )
        }
      />
      <AddDomain isOpen={isAdding} onClose={close} />
    </>
  );
}

export function DomainState({ domain }: { readonly domain: DomainInfo }) {
  const { t } = useTranslation();
  const words: readonly (readonly [string, string])[] = [
    ...(domain.active ? [] : [[t('off'), 'red'] as const]),
    ...(domain.maintenance === undefined ? [] : [[t('maintenance'), 'orange'] as const]),
    ...(domain.postmaster ? [] : [[t('no postmaster'), 'orange'] as const]),
    ...(domain.catchAll ? [[t('catch-all'), 'grape'] as const] : []),
    ...(domain.transport === '' ? [] : [[domain.transport, 'blue'] as const]),
  ];
  if (words.length === 0)
    return (
      <Badge color="green" variant="light" tt="none">
        {t('fine')}
      </Badge>
    );
  return (
    <Group gap={6} wrap="nowrap">
      {words.map(([word, color]) => (
        <Badge key={word} color={color} variant="light" tt="none">
          {word}
        </Badge>
      ))}
    </Group>
  );
}

function AddDomain({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) {
  const { t } = useTranslation();
  const change = useChange();
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const [kind, setKind] = useState<DomainInfo['class']>('mailbox');
  const add = async () => {
    const domain = name.trim().toLowerCase();
    const input = { name: domain, class: kind };
    if (!(await change.run(() => call('domain.add', input), t('{{domain}} is hosted', { domain })))) return;
    onClose();
    setName('');
    await navigate({ to: '/domains/$domain', params: { domain } });
  };
  return (
    <Modal opened={isOpen} onClose={onClose} title={t('Add a domain')}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void add();
        }}
      >
        <Stack>
          {change.problem === undefined || change.problem.field === 'name' ? null : <Failed error={change.problem} />}
          <TextInput
            label={t('Domain')}
            placeholder="example.com"
            required
            data-autofocus
            value={name}
            error={change.problem?.field === 'name' ? change.problem.text : undefined}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Select
            label={t('Class')}
            description={t('What this host does with its mail')}
            allowDeselect={false}
            value={kind}
            onChange={(value) => setKind((value ?? 'mailbox') as DomainInfo['class'])}
            data={[
              { value: 'mailbox', label: t('Mailboxes and aliases') },
              { value: 'alias', label: t('Aliases only') },
              { value: 'relay', label: t('Relay: passed on to another host') },
            ]}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('Cancel')}
            </Button>
            <Button type="submit" loading={change.isBusy}>
              {t('Add')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
