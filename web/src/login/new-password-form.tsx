// A new password in place of the one so far, with a word about how good it is. All other sessions end.

import { Button, PasswordInput, Stack } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { call, type Output } from '../api.ts';
import { PasswordStrength } from '../parts/password-strength.tsx';
import { Failed } from '../parts/states.tsx';
import { useSubmit } from '../parts/use-submit.ts';

export const minPasswordLength = 8;

interface NewPasswordFormProps {
  readonly login: string;
  readonly onDone?: (changed: Output<'account.password'>) => void;
}

export function NewPasswordForm({ login, onDone }: NewPasswordFormProps) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const submit = useSubmit(['current', 'password']);
  const form = useForm({
    initialValues: { current: '', password: '', again: '' },
    validate: {
      password: (value) => (Array.from(value).length < minPasswordLength ? t('At least 8 characters') : null),
      again: (value, { password }) => (value === password ? null : t('The two are not the same')),
    },
  });
  const change = form.onSubmit(async ({ current, password }) => {
    let changed: Output<'account.password'> | undefined;
    await submit.run(async () => {
      changed = await call('account.password', { current, password });
    }, form.setFieldError);
    if (changed === undefined) return;
    form.reset();
    await queries.invalidateQueries();
    onDone?.(changed);
  });
  const toggle = { 'aria-label': t('Show the password') };
  return (
    <form onSubmit={change}>
      <Stack>
        {submit.error === undefined ? null : <Failed error={submit.error} />}
        {/* For programs that keep passwords. */}
        <input type="text" name="username" autoComplete="username" value={login} readOnly hidden />
        <PasswordInput
          label={t('Password so far')}
          required
          autoComplete="current-password"
          visibilityToggleButtonProps={toggle}
          {...form.getInputProps('current')}
        />
        <PasswordInput
          label={t('New password')}
          required
          autoComplete="new-password"
          visibilityToggleButtonProps={toggle}
          {...form.getInputProps('password')}
        />
        <PasswordStrength password={form.values.password} minLength={minPasswordLength} known={knownOf(login)} />
        <PasswordInput
          label={t('New password again')}
          required
          autoComplete="new-password"
          visibilityToggleButtonProps={toggle}
          {...form.getInputProps('again')}
        />
        <Button type="submit" loading={submit.isBusy}>
          {t('Change the password')}
        </Button>
      </Stack>
    </form>
  );
}

/** What everybody knows of somebody called so. */
export function knownOf(login: string): string[] {
  return login.split(/[@.]/);
}
