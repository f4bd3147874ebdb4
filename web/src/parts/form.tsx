// Forms: Enter sends them, and the page stays; what adds something ends with the same two buttons.

import { Button, Group, Text, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

interface FormProps {
  readonly onSubmit: () => unknown;
  readonly role?: 'search';
  readonly children: ReactNode;
}

export function Form({ onSubmit, role, children }: FormProps) {
  return (
    <form
      role={role}
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    >
      {children}
    </form>
  );
}

interface FormEndProps {
  readonly onCancel: () => void;
  /** What the button says that sends it. */
  readonly label: string;
  readonly isBusy: boolean;
  readonly isDisabled?: boolean;
}

export function FormEnd({ onCancel, label, isBusy, isDisabled = false }: FormEndProps) {
  const { t } = useTranslation();
  return (
    <Group justify="flex-end">
      <Button variant="default" onClick={onCancel}>
        {t('Cancel')}
      </Button>
      <Button type="submit" loading={isBusy} disabled={isDisabled}>
        {label}
      </Button>
    </Group>
  );
}

interface LocalpartInputProps {
  readonly domain: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly error: string | undefined;
}

/** The part of a new address before the @, with the domain behind it. */
export function LocalpartInput({ domain, value, onChange, error }: LocalpartInputProps) {
  const { t } = useTranslation();
  return (
    <TextInput
      label={t('Address')}
      required
      data-autofocus
      rightSection={<Text size="sm" truncate>{`@${domain}`}</Text>}
      rightSectionWidth={`min(55%, ${domain.length + 3}ch)`}
      value={value}
      error={error}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
