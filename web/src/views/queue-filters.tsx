// What of the queue is looked at: the filter stands in the address, and is what the server is asked with.

import { Button, Group, Select, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Input } from '../api.ts';
import { Icon } from '../parts/icon.tsx';
import { ageWords, agesOf, useAgeTitles } from '../parts/queue-ages.ts';

export const filterNames = ['state', 'sender', 'recipient', 'destination', 'reason', 'age'] as const;
type FilterName = (typeof filterNames)[number];
export type FilterSearch = Partial<Record<FilterName, string | undefined>>;
export type QueueFilter = Omit<Input<'queue.summary'>, 'fresh'>;

const states = ['incoming', 'active', 'deferred', 'hold'] as const;
export type QueueState = (typeof states)[number];

export function filterOf(search: FilterSearch): QueueFilter {
  const { state, sender, recipient, destination, reason, age } = search;
  const known = states.find((one) => one === state);
  return {
    ...(known === undefined ? {} : { state: known }),
    ...(sender ? { sender } : {}),
    ...(recipient ? { recipient } : {}),
    ...(destination ? { destination } : {}),
    ...(reason ? { reason } : {}),
    ...agesOf(age),
  };
}

export function isFiltered(search: FilterSearch): boolean {
  return filterNames.some((name) => search[name]);
}

export function useStateWords(): Readonly<Record<QueueState, string>> {
  const { t } = useTranslation();
  return { incoming: t('not tried yet'), active: t('in delivery'), deferred: t('deferred'), hold: t('on hold') };
}

interface QueueFiltersProps {
  readonly search: FilterSearch;
  readonly onChange: (changed: FilterSearch) => void;
}

export function QueueFilters({ search, onChange }: QueueFiltersProps) {
  const { t } = useTranslation();
  const stateWords = useStateWords();
  const ageTitles = useAgeTitles();
  const text = (name: FilterName, label: string) => (
    <FilterText
      key={name}
      label={label}
      value={search[name] ?? ''}
      onChange={(value) => onChange({ [name]: value || undefined })}
    />
  );
  return (
    <Group gap="xs" mb="md" align="flex-end" role="search" aria-label={t('Filter')}>
      <Select
        label={t('State')}
        w={138}
        size="sm"
        clearable
        placeholder={t('any')}
        value={search.state ?? null}
        onChange={(value) => onChange({ state: value ?? undefined })}
        data={states.map((value) => ({ value, label: stateWords[value] }))}
      />
      {text('destination', t('Destination'))}
      {text('recipient', t('Recipient'))}
      {text('sender', t('Sender'))}
      {text('reason', t('Last reply'))}
      <Select
        label={t('Age')}
        w={138}
        size="sm"
        clearable
        placeholder={t('any')}
        value={search.age ?? null}
        onChange={(value) => onChange({ age: value ?? undefined })}
        data={ageWords.map((value, index) => ({ value, label: ageTitles[index] ?? value }))}
      />
      {isFiltered(search) ? (
        <Button
          variant="default"
          size="sm"
          onClick={() => onChange(Object.fromEntries(filterNames.map((name) => [name, undefined])))}
        >
          {t('Show everything')}
        </Button>
      ) : null}
    </Group>
  );
}

interface FilterTextProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

function FilterText({ label, value, onChange }: FilterTextProps) {
  const [text, setText] = useState(value);
  const tell = useDebouncedCallback(onChange, 350);
  // A link or the back button has changed it.
  useEffect(() => setText(value), [value]);
  return (
    <TextInput
      label={label}
      size="sm"
      w={158}
      maxLength={255}
      spellCheck={false}
      leftSection={<Icon name="filter" size={14} />}
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        tell(event.currentTarget.value.trim());
      }}
    />
  );
}
