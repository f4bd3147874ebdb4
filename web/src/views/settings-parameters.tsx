// Every parameter, found by a word of its name, its text or its value; one opens to be read and changed.

import { Badge, Drawer, Group, SegmentedControl, Stack, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { getRouteApi } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Row } from '../api.ts';
import { BigTable, type Column } from '../parts/big-table.tsx';
import { Icon } from '../parts/icon.tsx';
import { Empty, NoAnswer } from '../parts/states.tsx';
import { useTagged } from '../parts/use-tagged.ts';
import { SettingForm } from './setting-form.tsx';
import { SettingOrigin } from './setting-origin.tsx';

type Setting = Row<'setting.list'>;
type Only = 'set' | 'findings' | 'all';
const route = getRouteApi('/shell/settings');

export function ParametersTab() {
  const { t } = useTranslation();
  const { search = '', only = 'set', name } = route.useSearch();
  const navigate = route.useNavigate();
  const [text, setText] = useState(search);
  const [words] = useDebouncedValue(text.trim(), 250);
  useEffect(() => {
    if (words === search) return;
    // Who looks for something looks in all of them.
    void navigate({
      replace: true,
      search: (now) => ({ ...now, search: words, ...(words === '' || search !== '' ? {} : { only: 'all' }) }),
    });
  }, [words, search, navigate]);
  const show = (one: string | undefined) =>
    void navigate({
      search: (now) => {
        const next = { ...now };
        delete next.name;
        return one === undefined ? next : { ...next, name: one };
      },
    });
  const columns: readonly Column<Setting>[] = [
    { title: t('Parameter'), cell: (row) => <span className="mono">{row.name}</span>, width: '3fr' },
    { title: t('Value'), cell: (row) => <Value setting={row} />, width: '4fr' },
    { title: t('From'), cell: (row) => <SettingOrigin origin={row.origin} />, width: '2fr' },
    { title: t('Area'), cell: ({ area }) => area, width: '2fr' },
    { title: t('Note'), cell: (row) => <Notes setting={row} />, width: '2fr' },
  ];
  return (
    <Stack gap="sm">
      <Group wrap="wrap">
        <TextInput
          flex={1}
          miw={220}
          aria-label={t('Find a parameter')}
          placeholder={t('Find a parameter by name, text or value')}
          leftSection={<Icon name="search" />}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <SegmentedControl
          aria-label={t('Which')}
          value={only}
          onChange={(value) => void navigate({ search: (now) => ({ ...now, only: value }) })}
          data={[
            { value: 'set', label: t('Set') },
            { value: 'findings', label: t('With findings') },
            { value: 'all', label: t('All') },
          ]}
        />
      </Group>
      <BigTable
        label={t('Parameters')}
        operation="setting.list"
        input={{ ...(search === '' ? {} : { search }), ...onlyOf(only as Only) }}
        columns={columns}
        keyOf={(row) => row.name}
        onOpen={(row) => show(row.name)}
        height="calc(100dvh - 300px)"
        empty={
          <Empty title={only === 'findings' ? t('Lint has nothing to say of any') : t('There is none like that')} />
        }
      />
      <Drawer
        opened={name !== undefined}
        onClose={() => show(undefined)}
        position="right"
        size="lg"
        title={<span className="mono">{name}</span>}
        closeButtonProps={{ 'aria-label': t('Close') }}
      >
        {name === undefined ? null : <OpenedSetting name={name} />}
      </Drawer>
    </Stack>
  );
}

function onlyOf(only: Only) {
  return only === 'all' ? {} : { only };
}

function OpenedSetting({ name }: { readonly name: string }) {
  const { data, error, refetch } = useTagged('setting.show', { name });
  if (data === undefined) return <NoAnswer error={error} onRetry={() => void refetch()} />;
  return <SettingForm key={name} setting={data.value} etag={data.etag} />;
}

function Value({ setting: { value, isSecret, isSet, default: usual } }: { readonly setting: Setting }) {
  const { t } = useTranslation();
  if (isSecret && isSet)
    return (
      <Text size="sm" span c="dimmed">
        {t('(not shown)')}
      </Text>
    );
  const shown = isSecret ? usual : value;
  return shown === '' ? (
    <Text size="sm" span c="dimmed">
      {t('(empty)')}
    </Text>
  ) : (
    <Text size="sm" span className="mono" fw={isSet ? 600 : 400}>
      {shown}
    </Text>
  );
}

function Notes({ setting: { status, overrides, machineOnly } }: { readonly setting: Setting }) {
  const { t } = useTranslation();
  const words: readonly (readonly [string, string])[] = [
    ...(status === 'unsupported' ? [[t('not supported yet'), 'orange'] as const] : []),
    ...(status === 'unneeded' ? [[t('no meaning here'), 'gray'] as const] : []),
    ...(overrides.length > 0 ? [[t('services: {{count}}', { count: overrides.length }), 'blue'] as const] : []),
    ...(machineOnly === undefined ? [] : [[t('on the machine'), 'gray'] as const]),
  ];
  return (
    <Group gap={4} wrap="nowrap">
      {words.map(([word, color]) => (
        <Badge key={word} size="sm" color={color} variant="light" tt="none">
          {word}
        </Badge>
      ))}
    </Group>
  );
}
