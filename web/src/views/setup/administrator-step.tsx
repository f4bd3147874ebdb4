// Step 1: the administrator, with a passkey or a password.

import { Alert, Button, Card, Group, PasswordInput, Radio, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { call } from '../../api.ts';
import { canMakePasskeys, makePasskey } from '../../parts/passkey.ts';
import { lengthOf, PasswordStrength } from '../../parts/password-strength.tsx';
import { Failed } from '../../parts/states.tsx';
import { useSubmit } from '../../parts/use-submit.ts';
import { sessionKey } from '../../session.tsx';
import { StepHead } from './step-head.tsx';

const minPasswordLength = 12;
/** Refused here: by then a passkey would have been made for nothing. */
const loginPattern = /^[a-z\d][\w.@+-]{0,253}$/i;

export function AdministratorStep({ token }: { readonly token: string }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const hasPasskeys = canMakePasskeys();
  const { isBusy, error, run } = useSubmit(['login', 'password']);
  const form = useForm({
    initialValues: { name: '', login: '', way: hasPasskeys ? 'passkey' : 'password', password: '', again: '' },
    validate: {
      login: (value) =>
        loginPattern.test(value.trim()) ? null : t('The letters a to z, digits and . _ @ + - make up a login'),
      password: (value, { way }) =>
        way === 'password' && lengthOf(value) < minPasswordLength
          ? t('At least {{count}} characters', { count: minPasswordLength })
          : null,
      again: (value, { way, password }) =>
        way === 'password' && value !== password ? t('The two are not the same') : null,
    },
  });
  const submit = form.onSubmit(async ({ name, login, way, password }) => {
    const shared = { token, login: login.trim(), ...(name.trim() === '' ? {} : { name: name.trim() }) };
    await run(async () => {
      const secret = way === 'password' ? { password } : await passkeyFor(shared.login);
      const account = await call('setup.add', { ...shared, ...secret });
      // Logged in: the page goes on with the next step.
      queries.setQueryData(sessionKey, account);
    }, form.setFieldError);
  });
  const passkeyFor = async (login: string) => {
    const response = await makePasskey(await call('setup.passkey-options', { token, login }));
    if (response === undefined) {
      throw new Error(t('The browser has made no passkey. Try again, or choose a password.'));
    }
    return { passkey: { name: t('First passkey'), response } };
  };
  const { way, password, login, name } = form.getValues();
  return (
    <form onSubmit={submit} noValidate>
      <StepHead title={t('Who administers this host?')}>
        {t('This administrator may do everything here. More people can be added later.')}
      </StepHead>
      <Card withBorder p={{ base: 'md', sm: 'xl' }}>
        <Stack>
          {error === undefined ? null : <Failed error={error} />}
          <TextInput
            label={t('Name')}
            description={t('As others see it; may be left out')}
            autoComplete="name"
            {...form.getInputProps('name')}
          />
          <TextInput
            label={t('Login')}
            description={t('With this you log in')}
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            required
            {...form.getInputProps('login')}
          />
          <Radio.Group label={t('How do you want to log in?')} {...form.getInputProps('way')}>
            <Stack gap="sm" mt="xs">
              <Radio
                value="passkey"
                label={t('With a passkey')}
                description={
                  hasPasskeys
                    ? t('The safest way: this device, a telephone or a security key proves that it is you.')
                    : t('Not here: browsers offer passkeys by HTTPS and on localhost, not for bare addresses.')
                }
                disabled={!hasPasskeys}
              />
              <Radio
                value="password"
                label={t('With a password')}
                description={t('In the next step, codes of an app can be added.')}
              />
            </Stack>
          </Radio.Group>
          {way === 'password' ? (
            <>
              <Stack gap={6}>
                <PasswordInput
                  label={t('Password')}
                  autoComplete="new-password"
                  required
                  {...form.getInputProps('password')}
                />
                <PasswordStrength password={password} minLength={minPasswordLength} known={[login, name]} />
              </Stack>
              <PasswordInput
                label={t('Password again')}
                autoComplete="new-password"
                required
                {...form.getInputProps('again')}
              />
            </>
          ) : (
            <Alert variant="light" color="gray">
              {t('The browser will ask you where to keep the passkey.')}
            </Alert>
          )}
        </Stack>
      </Card>
      <Group justify="flex-end" mt="lg">
        <Button type="submit" loading={isBusy}>
          {t('Make the administrator')}
        </Button>
      </Group>
    </form>
  );
}
