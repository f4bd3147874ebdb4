// Some of the host's domains, found by typing: there may be a hundred thousand.

import { MultiSelect } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useCall } from '../api.ts';
import { shownNames } from './shown-name.ts';

interface DomainPickerProps {
  readonly label: string;
  readonly description?: string;
  readonly value: readonly string[];
  readonly onChange: (domains: string[]) => void;
  readonly error?: string | undefined;
}

const shown = 20;

export function DomainPicker({ label, description, value, onChange, error }: DomainPickerProps) {
  const { t } = useTranslation();
  const [text, setText] = useState('');
  const [search] = useDebouncedValue(text.trim().toLowerCase(), 200);
  const found = useCall('domain.list', { limit: shown, ...(search === '' ? {} : { search }) });
  const names = (found.data?.items ?? []).map(({ name }) => name);
  return (
    <MultiSelect
      label={label}
      description={description}
      searchable
      clearable
      clearButtonProps={{ 'aria-label': t('None') }}
      searchValue={text}
      onSearchChange={setText}
      data={[...new Set([...names, ...value])].map((name) => ({ value: name, label: shownNames(name) }))}
      // The server has searched already.
      filter={({ options }) => options}
      value={[...value]}
      onChange={onChange}
      nothingFoundMessage={found.isPending ? t('Loading') : t('No domain is called like that')}
      placeholder={value.length === 0 ? t('Find a domain') : undefined}
      error={error}
    />
  );
}
