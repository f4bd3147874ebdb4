// A search field whose words stand in the address: what one has found can be sent to a colleague.

import { CloseButton, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from './icon.tsx';

interface SearchFieldProps {
  readonly label: string;
  readonly value: string;
  /** Told when somebody has paused. */
  readonly onSearch: (text: string) => void;
}

const pauseMilliseconds = 200;

export function SearchField({ label, value, onSearch }: SearchFieldProps) {
  const { t } = useTranslation();
  const [text, setText] = useState(value);
  const told = useRef(value);
  const tell = useDebouncedCallback((next: string) => {
    told.current = next;
    onSearch(next);
  }, pauseMilliseconds);
  // Somebody went back, or followed a link: not what was just told.
  useEffect(() => {
    if (value === told.current) return;
    told.current = value;
    setText(value);
  }, [value]);
  const change = (next: string) => {
    setText(next);
    tell(next.trim());
  };
  return (
    <TextInput
      type="search"
      aria-label={label}
      placeholder={label}
      leftSection={<Icon name="search" />}
      rightSection={text === '' ? null : <CloseButton size="sm" aria-label={t('Clear')} onClick={() => change('')} />}
      value={text}
      style={{ flex: '1 1 240px' }}
      onChange={(event) => change(event.currentTarget.value)}
    />
  );
}
