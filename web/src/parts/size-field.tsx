// A number of bytes as people write it: 500M, 2G; empty is none.

import { TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { parseBytes } from './format.ts';

interface SizeFieldProps {
  readonly label: string;
  readonly description?: string;
  readonly value: string;
  readonly onChange: (text: string) => void;
  readonly error?: string | undefined;
}

export function SizeField({ label, description, value, onChange, error }: SizeFieldProps) {
  const { t } = useTranslation();
  const wrong = isSize(value) ? undefined : t('Write a size, as 500M or 2G');
  return (
    <TextInput
      label={label}
      description={description ?? t('As 500M or 2G; empty for none')}
      value={value}
      error={error ?? wrong}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

export function isSize(text: string): boolean {
  return text.trim() === '' || !Number.isNaN(parseBytes(text));
}

/** 0 for none. */
export function sizeOf(text: string): number {
  return text.trim() === '' ? 0 : parseBytes(text);
}

/** As the field takes it, without loss: 1536 MiB are 1536M. */
export function sizeText(bytes: number): string {
  if (bytes === 0) return '';
  const units = ['', 'K', 'M', 'G', 'T'];
  let value = bytes;
  let unit = 0;
  while (value % 1024 === 0 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value}${units[unit] ?? ''}`;
}
