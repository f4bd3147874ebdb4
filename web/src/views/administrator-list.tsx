// The administrators: who they are, what is theirs, how they log in, and when they last did.

import { Badge, Button, Group, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Row } from '../api.ts';
import { BigTable, type Column } from '../parts/big-table.tsx';
import { formatAge } from '../parts/format.ts';
import { Icon } from '../parts/icon.tsx';
import { SidePanel } from '../parts/side-panel.tsx';
import { shownNames } from '../parts/shown-name.ts';
import { Empty, NoAnswer } from '../parts/states.tsx';
import { useTagged } from '../parts/use-tagged.ts';
import { AddAdministrator } from './administrator-add.tsx';
import { AdministratorForm } from './administrator-form.tsx';

type AdministratorInfo = Row<'admin.list'>;
const route = getRouteApi('/shell/administrators');

export function AdministratorList() {
  const { t } = useTranslation();
  const { open: opened } = route.useSearch();
  const navigate = route.useNavigate();
  const [isAdding, { open, close }] = useDisclosure();
  const show = (login: string | undefined) =>
    void navigate({ search: { tab: 'people', ...(login === undefined ? {} : { open: login }) } });
  const columns: readonly Column<AdministratorInfo>[] = [
    { title: t('Login'), cell: ({ login }) => login, width: '2fr' },
    { title: t('Name'), cell: ({ name }) => name, width: '2fr' },
    { title: t('Administers'), cell: (row) => <Administers administrator={row} />, width: '3fr' },
    { title: t('Second factor'), cell: (row) => <Factors administrator={row} />, width: '2fr' },
    {
      title: t('Last login'),
      cell: ({ lastLogin }) => (lastLogin === undefined ? t('never') : formatAge(lastLogin.time)),
      width: '1.8fr',
    },
    { title: t('State'), cell: (row) => <AdministratorState administrator={row} />, width: '1.7fr' },
  ];
  return (
    <Stack>
      <Group justify="flex-end">
        <Button leftSection={<Icon name="add" />} onClick={open}>
          {t('Add an administrator')}
        </Button>
      </Group>
      <BigTable
        label={t('Administrators')}
        operation="admin.list"
        input={{}}
        columns={columns}
        keyOf={({ login }) => login}
        onOpen={({ login }) => show(login)}
        height="calc(100dvh - 290px)"
        empty={<Empty title={t('Nobody administers this host by the network yet')} />}
      />
      <AddAdministrator isOpen={isAdding} onClose={close} />
      <SidePanel title={opened} onClose={() => show(undefined)}>
        <OpenedAdministrator login={opened ?? ''} onDone={() => show(undefined)} />
      </SidePanel>
    </Stack>
  );
}

function OpenedAdministrator({ login, onDone }: { readonly login: string; readonly onDone: () => void }) {
  const { data, error, refetch } = useTagged('admin.show', { login });
  if (data === undefined) return <NoAnswer error={error} onRetry={() => void refetch()} />;
  return <AdministratorForm administrator={data.value} etag={data.etag} onDone={onDone} />;
}

function Administers({ administrator: { role, domains } }: { readonly administrator: AdministratorInfo }) {
  const { t } = useTranslation();
  if (role === 'host') return <Text size="sm">{t('the whole host')}</Text>;
  if (domains.length === 0) return <Text size="sm">{t('nothing')}</Text>;
  const more = domains.length > 2 ? ` ${t('and {{count}} more', { count: domains.length - 2 })}` : '';
  return (
    <Text size="sm" span title={domains.slice(0, 50).join(', ')}>
      {shownNames(domains.slice(0, 2).join(', ')) + more}
    </Text>
  );
}

function Factors({ administrator: { totp, passkeys } }: { readonly administrator: AdministratorInfo }) {
  const { t } = useTranslation();
  const words = [
    ...(totp ? [t('app codes')] : []),
    ...(passkeys > 0 ? [t('passkeys: {{count}}', { count: passkeys })] : []),
  ];
  return words.length === 0 ? (
    <Text size="sm" span c="dimmed">
      {t('none')}
    </Text>
  ) : (
    <Text size="sm" span>
      {words.join(', ')}
    </Text>
  );
}

function AdministratorState({ administrator }: { readonly administrator: AdministratorInfo }) {
  const { t } = useTranslation();
  const { active, hasPassword, mustChange, passkeys } = administrator;
  const words: readonly (readonly [string, string])[] = [
    ...(active ? [] : [[t('off'), 'red'] as const]),
    ...(mustChange ? [[t('password to be changed'), 'orange'] as const] : []),
    ...(hasPassword || passkeys > 0 ? [] : [[t('tokens only'), 'blue'] as const]),
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
