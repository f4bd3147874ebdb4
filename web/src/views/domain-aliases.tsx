// The aliases of a domain: an address, and where its mail goes.

import { Badge, Button, Group, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Row } from '../api.ts';
import { BigTable, type Column } from '../parts/big-table.tsx';
import { Icon } from '../parts/icon.tsx';
import { knownWords } from '../parts/known-words.ts';
import { SearchField } from '../parts/search-field.tsx';
import { SidePanel } from '../parts/side-panel.tsx';
import { shownNames } from '../parts/shown-name.ts';
import { Empty } from '../parts/states.tsx';
import { AddAlias, AliasPanel } from './domain-alias-form.tsx';
import { ImportDialog } from './domain-import.tsx';

type AliasRow = Row<'alias.list'>;
const route = getRouteApi('/shell/domains/$domain');

export function AliasesTab({ domain }: { readonly domain: string }) {
  const { t } = useTranslation();
  const { search = '', open: chosen } = route.useSearch();
  const navigate = route.useNavigate();
  const [isAdding, adding] = useDisclosure();
  const [isPasting, pasting] = useDisclosure();
  const choose = (open: string | undefined) => void navigate({ search: (now) => knownWords(now, { open }) });
  const add = (
    <Button leftSection={<Icon name="add" />} onClick={adding.open}>
      {t('Add an alias')}
    </Button>
  );
  const columns: readonly Column<AliasRow>[] = [
    { title: t('Alias'), cell: ({ address }) => shownNames(address), width: '2fr' },
    { title: t('Leads to'), cell: ({ targets }) => <Targets targets={targets} />, width: '3fr' },
    { title: t('Who may post'), cell: (row) => <PostWord post={row.post} />, width: '1.200fr' },
    { title: t('State'), cell: (row) => <AliasState alias={row} />, width: '1.600fr' },
  ];
  return (
    <Stack gap="sm">
      <Group>
        <SearchField
          label={t('Find an alias by its address or where it leads')}
          value={search}
          onSearch={(text) =>
            void navigate({
              search: (now) => knownWords(now, { search: text }),
              replace: true,
            })
          }
        />
        <Button variant="default" leftSection={<Icon name="paste" />} onClick={pasting.open}>
          {t('Add many')}
        </Button>
        {add}
      </Group>
      <BigTable
        label={t('Aliases of {{domain}}', { domain })}
        operation="alias.list"
        input={{ domain, ...(search === '' ? {} : { search }) }}
        columns={columns}
        keyOf={({ address }) => address}
        onOpen={({ address }) => choose(address)}
        height="calc(100dvh - 330px)"
        empty={
          search === '' ? (
            <Empty title={t('No alias yet')}>
              <Text ta="center">{t('An alias leads an address to one or many others, here or elsewhere.')}</Text>
              {add}
            </Empty>
          ) : (
            <Empty title={t('No alias is like that')} />
          )
        }
      />
      <AddAlias domain={domain} isOpen={isAdding} onClose={adding.close} />
      <ImportDialog domain={domain} kind="alias" isOpen={isPasting} onClose={pasting.close} />
      <SidePanel title={chosen} onClose={() => choose(undefined)}>
        <AliasPanel key={chosen} address={chosen ?? ''} onGone={() => choose(undefined)} />
      </SidePanel>
    </Stack>
  );
}

function AliasState({ alias: { active, targets, unknownTargets: unknown } }: { readonly alias: AliasRow }) {
  const { t } = useTranslation();
  const [word, color] =
    active === false
      ? [t('off'), 'red']
      : unknown.length === 0
        ? [t('fine'), 'green']
        : unknown.length < targets.length
          ? [t('partly to nobody'), 'orange']
          : [t('leads to nobody'), 'red'];
  return (
    <Badge variant="light" color={color} tt="none" title={shownNames(unknown.slice(0, 50).join(', '))}>
      {word}
    </Badge>
  );
}

/** The first ones, and how many there are. */
export function Targets({ targets }: { readonly targets: readonly string[] }) {
  const { t } = useTranslation();
  const shown = shownNames(targets.slice(0, 3).join(', '));
  return <>{targets.length > 3 ? t('{{shown}} and {{number}} more', { shown, number: targets.length - 3 }) : shown}</>;
}

export function PostWord({ post }: { readonly post: AliasRow['post'] }) {
  const { t } = useTranslation();
  switch (post) {
    case 'members':
      return <>{t('members')}</>;
    case 'domain':
      return <>{t('the domain')}</>;
    case 'listed':
      return <>{t('those who are named')}</>;
    case 'anyone':
    case undefined:
      return <>{t('anybody')}</>;
  }
}
