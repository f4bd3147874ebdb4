// Forms: Enter sends them, and the page stays; what adds something ends with the same two buttons. What is typed into a form
// about something that others can change too is a draft: it stays until it is saved, or thrown away on purpose.

import { Alert, Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { shownNames } from './shown-name.ts';
import { Failed } from './states.tsx';
import type { Change } from './use-change.ts';

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
      rightSection={<Text size="sm" truncate>{`@${shownNames(domain)}`}</Text>}
      rightSectionWidth={`min(55%, ${domain.length + 3}ch)`}
      value={value}
      error={error}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

export interface Draft<T> {
  /** To be shown: as it was typed, and what has not been touched as it is now. */
  readonly value: T;
  readonly set: (typed: Partial<T>) => void;
  /** Of the state that it was typed into, where that is no longer so: a change with it is refused (412). */
  readonly etag: string | undefined;
  /** What it was typed into has been changed by somebody else. */
  readonly isOld: boolean;
  /** It is saved, or not wanted any more. */
  readonly drop: () => void;
}

/** `now`: the form's fields as the server has them; they are compared as JSON. */
export function useDraft<T extends object>(now: T, etag?: string): Draft<T> {
  const [kept, setKept] = useState<{ readonly typed: T; readonly before: T; readonly etag: string | undefined }>();
  const isOld = kept !== undefined && !isSame(now, kept.before) && !isSame(now, kept.typed);
  return {
    value: kept?.typed ?? now,
    set: (typed) =>
      setKept((last) => {
        const begun = last ?? { typed: now, before: now, etag };
        const next = { ...begun, typed: { ...begun.typed, ...typed } };
        return isSame(next.typed, begun.before) ? undefined : next;
      }),
    etag: isOld ? kept.etag : etag,
    isOld,
    drop: () => setKept(undefined),
  };
}

function isSame(one: object, other: object): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

interface DraftStateProps {
  readonly draft?: Pick<Draft<object>, 'isOld' | 'drop'> | undefined;
  readonly change: Pick<Change, 'isBusy' | 'problem' | 'forget'>;
}

/** Above the fields: that somebody else has changed it meanwhile, or why it was refused. */
export function DraftState({ draft, change: { isBusy, problem, forget } }: DraftStateProps) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  // One's own change is heard of before it has been answered.
  if (problem?.status !== 412 && (draft?.isOld !== true || isBusy)) {
    return problem === undefined ? null : <Failed error={problem} />;
  }
  const showNow = () => {
    forget();
    draft?.drop();
    void queries.invalidateQueries();
  };
  return (
    <Alert color="orange" variant="light" title={t('It has been changed meanwhile')}>
      <Stack gap="xs" align="flex-start">
        <Text size="sm">
          {t(
            'By somebody else, or in another window. What you have typed here is not saved; to show it as it is now throws that away.',
          )}
        </Text>
        <Button size="xs" variant="default" onClick={showNow}>
          {t('Show it as it is now')}
        </Button>
      </Stack>
    </Alert>
  );
}
