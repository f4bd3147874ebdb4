// What narrows the history. It stands in the address, so that it can be sent to somebody.

import { Button, Card, Group, Select, SimpleGrid, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Input } from '../api.ts';
import { useAreaWords } from '../parts/action-words.ts';
import { Form } from '../parts/form.tsx';

export interface HistorySearch {
  readonly object?: string;
  readonly actor?: string;
  readonly area?: string;
  /** Days as in 2026-11-22, of the reader's own time zone. */
  readonly since?: string;
  readonly until?: string;
}

export type HistoryInput = Omit<Input<'revision.list'>, 'after' | 'limit'>;

export function inputOf({ object, actor, area, since, until }: HistorySearch): HistoryInput {
  const isDomain = object !== undefined && !object.includes('@') && object.includes('.');
  const [from, to] = [dayOf(since), dayOf(until)];
  return {
    ...(object === undefined ? {} : isDomain ? { domain: object } : { object }),
    ...(actor === undefined ? {} : { actor }),
    ...(area === undefined ? {} : { area }),
    ...(from === undefined ? {} : { since: from }),
    ...(to === undefined ? {} : { until: to + 86_399_999 }),
  };
}

function dayOf(text: string | undefined): number | undefined {
  const time = text === undefined ? Number.NaN : new Date(`${text}T00:00:00`).getTime();
  return Number.isNaN(time) ? undefined : time;
}

interface HistoryFiltersProps {
  readonly search: HistorySearch;
  readonly onChange: (search: HistorySearch) => void;
}

export function HistoryFilters({ search, onChange }: HistoryFiltersProps) {
  const { t } = useTranslation();
  const areas = useAreaWords();
  const [draft, setDraft] = useState(search);
  const set = (name: keyof HistorySearch, value: string) => setDraft({ ...draft, [name]: value });
  const send = (next: HistorySearch) => {
    const given = Object.entries(next).filter(([, value]) => typeof value === 'string' && value.trim() !== '');
    onChange(Object.fromEntries(given.map(([name, value]) => [name, String(value).trim()])));
  };
  const field = (name: keyof HistorySearch, label: string, placeholder: string, type = 'text') => (
    <TextInput
      label={label}
      placeholder={placeholder}
      type={type}
      value={draft[name] ?? ''}
      onChange={(event) => set(name, event.currentTarget.value)}
      autoCapitalize="none"
      spellCheck={false}
    />
  );
  return (
    <Card withBorder mb="md">
      <Form role="search" onSubmit={() => send(draft)}>
        <SimpleGrid cols={{ base: 1, xs: 2, md: 5 }} spacing="sm">
          {field('object', t('Address or domain'), 'example.com')}
          <Select
            label={t('Kind')}
            placeholder={t('every kind')}
            clearable
            clearButtonProps={{ 'aria-label': t('Clear') }}
            value={draft.area ?? null}
            data={Object.entries(areas).map(([value, label]) => ({ value, label }))}
            onChange={(value) => {
              const { area: _, ...rest } = draft;
              const next = value === null ? rest : { ...rest, area: value };
              setDraft(next);
              send(next);
            }}
          />
          {field('actor', t('Who'), t('anybody'))}
          {field('since', t('From'), '', 'date')}
          {field('until', t('To'), '', 'date')}
        </SimpleGrid>
        <Group mt="sm" gap="xs">
          <Button type="submit">{t('Show')}</Button>
          {Object.keys(search).length === 0 ? null : (
            <Button variant="subtle" onClick={() => onChange({})}>
              {t('Show everything')}
            </Button>
          )}
        </Group>
      </Form>
    </Card>
  );
}
