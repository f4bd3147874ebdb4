// The mailing lists of a domain: who they are for, who may write to them, their members.

import { Button, Group, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Row } from '../api.ts';
import { BigTable, type Column } from '../parts/big-table.tsx';
import { formatNumber } from '../parts/format.ts';
import { Icon } from '../parts/icon.tsx';
import { knownWords } from '../parts/known-words.ts';
import { SearchField } from '../parts/search-field.tsx';
import { SidePanel } from '../parts/side-panel.tsx';
import { shownNames } from '../parts/shown-name.ts';
import { Empty } from '../parts/states.tsx';
import { PostWord } from './domain-aliases.tsx';
import { AddList, ListPanel } from './domain-list-form.tsx';

type ListRow = Row<'list.list'>;
const route = getRouteApi('/shell/domains/$domain');

export function ListsTab({ domain }: { readonly domain: string }) {
  const { t } = useTranslation();
  const { search = '', open: chosen } = route.useSearch();
  const navigate = route.useNavigate();
  const [isAdding, adding] = useDisclosure();
  const choose = (open: string | undefined) => void navigate({ search: (now) => knownWords(now, { open }) });
  const add = (
    <Button leftSection={<Icon name="add" />} onClick={adding.open}>
      {t('Add a list')}
    </Button>
  );
  const columns: readonly Column<ListRow>[] = [
    { title: t('List'), cell: ({ address }) => shownNames(address), width: '2fr' },
    { title: t('Name'), cell: ({ name }) => name, width: '2fr' },
    { title: t('Members'), cell: ({ members }) => formatNumber(members), isNumber: true },
    { title: t('Who may post'), cell: ({ post }) => <PostWord post={post} />, width: '1.300fr' },
  ];
  return (
    <Stack gap="sm">
      <Group>
        <SearchField
          label={t('Find a list by address or name')}
          value={search}
          onSearch={(text) =>
            void navigate({
              search: (now) => knownWords(now, { search: text }),
              replace: true,
            })
          }
        />
        {add}
      </Group>
      <BigTable
        label={t('Lists of {{domain}}', { domain })}
        operation="list.list"
        input={{ domain, ...(search === '' ? {} : { search }) }}
        columns={columns}
        keyOf={({ address }) => address}
        onOpen={({ address }) => choose(address)}
        height="calc(100dvh - 330px)"
        empty={
          search === '' ? (
            <Empty title={t('No list yet')}>
              <Text ta="center">
                {t('A list sends what is written to it to all members; what cannot be delivered comes to its owners.')}
              </Text>
              {add}
            </Empty>
          ) : (
            <Empty title={t('No list is like that')} />
          )
        }
      />
      <AddList domain={domain} isOpen={isAdding} onClose={adding.close} onOpen={choose} />
      <SidePanel title={chosen} onClose={() => choose(undefined)}>
        <ListPanel key={chosen} address={chosen ?? ''} onGone={() => choose(undefined)} />
      </SidePanel>
    </Stack>
  );
}
