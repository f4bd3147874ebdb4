// The mailboxes of a domain: found, added, many at once from a text, opened beside the list, brought back.

import { Badge, Button, Group, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Row } from '../api.ts';
import { BigTable, type Column } from '../parts/big-table.tsx';
import { formatAge } from '../parts/format.ts';
import { Icon } from '../parts/icon.tsx';
import { knownWords } from '../parts/known-words.ts';
import { QuotaBar } from '../parts/quota-bar.tsx';
import { SearchField } from '../parts/search-field.tsx';
import { SidePanel } from '../parts/side-panel.tsx';
import { shownNames } from '../parts/shown-name.ts';
import { Empty } from '../parts/states.tsx';
import { ImportDialog } from './domain-import.tsx';
import { AddMailbox } from './domain-mailbox-add.tsx';
import { MailboxPanel } from './domain-mailbox-panel.tsx';
import { RemovedMailboxes } from './domain-mailboxes-removed.tsx';
import type { DomainInfo } from './domain-state.tsx';

type MailboxRow = Row<'mailbox.list'>;
const route = getRouteApi('/shell/domains/$domain');

export function MailboxesTab({ domain: info }: { readonly domain: DomainInfo }) {
  const { t } = useTranslation();
  const domain = info.name;
  const { search = '', open: chosen, show } = route.useSearch();
  const navigate = route.useNavigate();
  const [isAdding, adding] = useDisclosure();
  const [isPasting, pasting] = useDisclosure();
  const choose = (open: string | undefined) => void navigate({ search: (now) => knownWords(now, { open }) });
  const add = (
    <Button leftSection={<Icon name="add" />} onClick={adding.open}>
      {t('Add a mailbox')}
    </Button>
  );
  return (
    <Stack gap="sm">
      <Group>
        <SearchField
          label={t('Find a mailbox by address or name')}
          value={search}
          onSearch={(text) =>
            void navigate({
              search: (now) => knownWords(now, { search: text }),
              replace: true,
            })
          }
        />
        <Button
          variant="default"
          leftSection={<Icon name="history" />}
          onClick={() => void navigate({ search: (now) => ({ ...now, show: 'removed' }) })}
        >
          {t('Removed mailboxes')}
        </Button>
        <Button variant="default" leftSection={<Icon name="paste" />} onClick={pasting.open}>
          {t('Add many')}
        </Button>
        {add}
      </Group>
      <BigTable
        label={t('Mailboxes of {{domain}}', { domain })}
        operation="mailbox.list"
        input={{ domain, usage: true, ...(search === '' ? {} : { search }) }}
        columns={useColumns()}
        keyOf={({ address }) => address}
        onOpen={({ address }) => choose(address)}
        height="calc(100dvh - 330px)"
        empty={
          search === '' ? (
            <Empty title={t('No mailbox yet')}>
              <Text ta="center">{t('Add the first one, or paste many from a list or a table.')}</Text>
              {add}
            </Empty>
          ) : (
            <Empty title={t('No mailbox is like that')} />
          )
        }
      />
      <AddMailbox domain={info} isOpen={isAdding} onClose={adding.close} onOpen={choose} />
      <ImportDialog domain={domain} kind="mailbox" isOpen={isPasting} onClose={pasting.close} />
      <RemovedMailboxes
        domain={domain}
        isOpen={show === 'removed'}
        onClose={() => void navigate({ search: (now) => knownWords(now, { show: undefined }) })}
      />
      <SidePanel title={chosen} onClose={() => choose(undefined)}>
        <MailboxPanel key={chosen} address={chosen ?? ''} onMove={choose} />
      </SidePanel>
    </Stack>
  );
}

function useColumns(): readonly Column<MailboxRow>[] {
  const { t } = useTranslation();
  return [
    { title: t('Mailbox'), cell: ({ address }) => shownNames(address), width: '2.500fr' },
    { title: t('Name'), cell: ({ name }) => name, width: '2fr' },
    {
      title: t('Quota'),
      cell: ({ address, quotaBytes, usedBytes = 0 }) => (
        <QuotaBar used={usedBytes} limit={quotaBytes} label={t('Quota of {{address}}', { address })} />
      ),
      width: '1.700fr',
    },
    {
      title: t('Last login'),
      cell: ({ lastLogin }) => (lastLogin === undefined ? t('never') : formatAge(lastLogin.time)),
      width: '1.300fr',
    },
    { title: t('State'), cell: (row) => <MailboxState mailbox={row} />, width: '1.600fr' },
  ];
}

function MailboxState({ mailbox }: { readonly mailbox: MailboxRow }) {
  const { t } = useTranslation();
  const { enabled, maintenance, vacation, forward } = mailbox;
  const words: readonly (readonly [string, string])[] = [
    ...(enabled ? [] : [[t('off'), 'red'] as const]),
    ...(maintenance === undefined ? [] : [[t('maintenance'), 'orange'] as const]),
    ...(forward === undefined || forward.mode === 'keep' ? [] : [[t('forwarded'), 'blue'] as const]),
    ...(vacation === undefined ? [] : [[t('away'), 'grape'] as const]),
  ];
  return (
    <Group gap={6} wrap="nowrap">
      {(words.length === 0 ? [[t('fine'), 'green'] as const] : words).map(([word, color]) => (
        <Badge key={word} variant="light" color={color} tt="none" style={{ flexShrink: 0 }}>
          {word}
        </Badge>
      ))}
    </Group>
  );
}
