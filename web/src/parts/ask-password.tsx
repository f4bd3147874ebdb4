// Asks for the password before something that only its owner should do, even where the page stands open.

import { Button, Group, PasswordInput, Stack, TextInput } from '@mantine/core';
import { type FormEvent, type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Problem } from '../api.ts';
import { Dialog } from './dialog.tsx';
import { Failed } from './states.tsx';
import { useChange } from './use-change.ts';

interface AskPasswordProps {
  readonly title: string;
  readonly children?: ReactNode;
  /** What the button says. */
  readonly action: string;
  readonly isDangerous?: boolean;
  /** A code of the app is needed too. */
  readonly asksCode?: boolean;
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly run: (password: string, code: string) => Promise<unknown>;
  readonly done: string;
}

export function AskPassword({ title, isOpen, onClose, ...rest }: AskPasswordProps) {
  return (
    <Dialog opened={isOpen} onClose={onClose} title={title}>
      <Form {...rest} onClose={onClose} />
    </Dialog>
  );
}

function Form({
  children,
  action,
  isDangerous,
  asksCode,
  onClose,
  run,
  done,
}: Omit<AskPasswordProps, 'title' | 'isOpen'>) {
  const { t } = useTranslation();
  const change = useChange();
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const { problem } = change;
  const errorAt = (field: string): string | undefined =>
    problem instanceof Problem && problem.field === field ? problem.text : undefined;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (await change.run(() => run(password, code), done)) onClose();
  };
  const isElsewhere = problem !== undefined && errorAt('password') === undefined && errorAt('code') === undefined;
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack>
        {children}
        {isElsewhere ? <Failed error={problem} /> : null}
        <PasswordInput
          label={t('Your password')}
          required
          data-autofocus
          autoComplete="current-password"
          visibilityToggleButtonProps={{ 'aria-label': t('Show the password') }}
          value={password}
          error={errorAt('password')}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        {asksCode ? (
          <TextInput
            label={t('A code of the app, or a recovery code')}
            required
            autoComplete="one-time-code"
            value={code}
            error={errorAt('code')}
            onChange={(event) => setCode(event.currentTarget.value)}
          />
        ) : null}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('Cancel')}
          </Button>
          <Button type="submit" loading={change.isBusy} {...(isDangerous ? { color: 'red' } : {})}>
            {action}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
