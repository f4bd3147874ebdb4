// The password is forgotten: a link is mailed to the recovery address, where the mailbox has one, and with the link a new
// password is chosen. Nobody learns here which addresses exist.

import { Alert, Button, List, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call, type Output, Problem } from '../api.ts';
import { knownOf, minPasswordLength } from '../login/new-password-form.tsx';
import { formatDuration } from '../parts/duration.ts';
import { formatTime } from '../parts/format.ts';
import { ButtonLink } from '../parts/links.tsx';
import { PasswordStrength } from '../parts/password-strength.tsx';
import { Failed, Loading } from '../parts/states.tsx';
import { useSubmit } from '../parts/use-submit.ts';
import { Door, SetUpFirst } from './login.tsx';

export function ForgottenView() {
  const [link, setLink] = useState(() => ({ token: takeToken(), opened: 0 }));
  // A link that is opened where this page stands already loads nothing anew; the same one again is asked about again.
  useEffect(() => {
    const take = (): void => {
      const token = takeToken();
      if (token !== undefined) setLink(({ opened }) => ({ token, opened: opened + 1 }));
    };
    addEventListener('hashchange', take);
    return () => removeEventListener('hashchange', take);
  }, []);
  const { token, opened } = link;
  if (token === undefined) {
    return (
      <SetUpFirst>
        <Ask />
      </SetUpFirst>
    );
  }
  return <WithLink key={opened} token={token} onAnother={() => setLink({ token: undefined, opened })} />;
}

/** It is taken out of the address: who looks at the history of the browser finds nothing that is good. */
function takeToken(): string | undefined {
  const given = location.hash.slice(1);
  if (given === '') return undefined;
  history.replaceState(history.state, '', location.pathname);
  return given;
}

function Ask() {
  const { t } = useTranslation();
  const [asked, setAsked] = useState<string>();
  const submit = useSubmit(['address']);
  const form = useForm({ initialValues: { address: '' } });
  const ask = form.onSubmit(async ({ address }) => {
    const isDone = await submit.run(async () => {
      await call('recovery.ask', { address: address.trim() });
    }, form.setFieldError);
    if (isDone) setAsked(address.trim());
  });
  if (asked !== undefined) return <Asked address={asked} onAgain={() => setAsked(undefined)} />;
  return (
    <Door title={t('Password forgotten')}>
      <form onSubmit={ask}>
        <Stack>
          <Text size="sm">
            {t(
              'Type the address of your mailbox. If it has a recovery address, a link to a new password is mailed there.',
            )}
          </Text>
          {submit.error === undefined ? null : <Failed error={waiting(submit.error, t)} />}
          <TextInput
            label={t('Address of the mailbox')}
            type="email"
            name="username"
            autoComplete="username"
            autoCapitalize="none"
            required
            autoFocus
            {...form.getInputProps('address')}
          />
          <Button type="submit" loading={submit.isBusy}>
            {t('Mail me a link')}
          </Button>
          <WhomToAsk />
          <ButtonLink to="/" variant="subtle">
            {t('Back to the login')}
          </ButtonLink>
        </Stack>
      </form>
    </Door>
  );
}

function WhomToAsk() {
  const { t } = useTranslation();
  return (
    <Text size="sm" c="dimmed" component="div">
      {t('Without a recovery address somebody else has to set a new password:')}
      <List size="sm" mt={4} c="dimmed">
        <List.Item>{t('for a mailbox an administrator of its domain')}</List.Item>
        <List.Item>{t('for an administrator one of the host')}</List.Item>
      </List>
    </Text>
  );
}

function Asked({ address, onAgain }: { readonly address: string; readonly onAgain: () => void }) {
  const { t } = useTranslation();
  return (
    <Door title={t('Look into your mail')}>
      <Stack>
        <Alert color="blue" variant="light" role="status">
          {t(
            'If {{address}} is a mailbox here and has a recovery address, a link is on its way there. It is good for half an hour.',
            {
              address,
            },
          )}
        </Alert>
        <Text size="sm">{t('Nothing has come after some minutes? Look into the spam folder too.')}</Text>
        <WhomToAsk />
        <Button variant="default" onClick={onAgain}>
          {t('Another address')}
        </Button>
        <ButtonLink to="/" variant="subtle">
          {t('Back to the login')}
        </ButtonLink>
      </Stack>
    </Door>
  );
}

interface WithLinkProps {
  readonly token: string;
  readonly onAnother: () => void;
}

function WithLink({ token, onAnother }: WithLinkProps) {
  const { t } = useTranslation();
  const [link, setLink] = useState<Output<'recovery.show'>>();
  const [failure, setFailure] = useState<unknown>();
  const [done, setDone] = useState<Output<'recovery.reset'>>();
  useEffect(() => {
    const asking = new AbortController();
    call('recovery.show', { token }, { signal: asking.signal }).then(setLink, (error: unknown) => {
      if (!asking.signal.aborted) setFailure(error);
    });
    return () => asking.abort();
  }, [token]);
  if (done !== undefined) return <Changed {...done} />;
  if (failure !== undefined) return <BadLink error={failure} onAnother={onAnother} />;
  return (
    <Door title={t('Choose a new password')}>
      {link === undefined ? <Loading /> : <NewPassword token={token} link={link} onDone={setDone} onBad={setFailure} />}
    </Door>
  );
}

function BadLink({ error, onAnother }: { readonly error: unknown; readonly onAnother: () => void }) {
  const { t } = useTranslation();
  const isBad = error instanceof Problem && error.status === 403;
  return (
    <Door title={isBad ? t('This link is not good') : t('That did not work')}>
      <Stack>
        {isBad ? (
          <Text size="sm">
            {t(
              'A link is good for half an hour and for one new password. It may have been used, a later one may have been, or a part of it is missing.',
            )}
          </Text>
        ) : (
          <Failed error={waiting(error, t)} />
        )}
        <Button onClick={onAnother}>{t('Ask for another one')}</Button>
        <ButtonLink to="/" variant="subtle">
          {t('Back to the login')}
        </ButtonLink>
      </Stack>
    </Door>
  );
}

interface NewPasswordProps {
  readonly token: string;
  readonly link: Output<'recovery.show'>;
  readonly onDone: (done: Output<'recovery.reset'>) => void;
  readonly onBad: (error: unknown) => void;
}

function NewPassword({ token, link, onDone, onBad }: NewPasswordProps) {
  const { t } = useTranslation();
  const submit = useSubmit(['password', 'code']);
  const form = useForm({
    initialValues: { password: '', again: '', code: '' },
    validate: {
      password: (value) => (Array.from(value).length < minPasswordLength ? t('At least 8 characters') : null),
      again: (value, { password }) => (value === password ? null : t('The two are not the same')),
    },
  });
  const change = form.onSubmit(async ({ password, code }) => {
    await submit.run(async () => {
      try {
        const given = { token, password, ...(link.code ? { code } : {}) };
        onDone(await call('recovery.reset', given));
      } catch (error) {
        if (!(error instanceof Problem) || error.field !== 'token') throw error;
        onBad(error);
      }
    }, form.setFieldError);
  });
  const toggle = { 'aria-label': t('Show the password') };
  return (
    <form onSubmit={change}>
      <Stack>
        <Text size="sm">{t('For the mailbox {{login}}.', { login: link.login })}</Text>
        {submit.error === undefined ? null : <Failed error={waiting(submit.error, t)} />}
        <input type="text" name="username" autoComplete="username" value={link.login} readOnly hidden />
        <PasswordInput
          label={t('New password')}
          required
          autoFocus
          autoComplete="new-password"
          visibilityToggleButtonProps={toggle}
          {...form.getInputProps('password')}
        />
        <PasswordStrength password={form.values.password} minLength={minPasswordLength} known={knownOf(link.login)} />
        <PasswordInput
          label={t('New password again')}
          required
          autoComplete="new-password"
          visibilityToggleButtonProps={toggle}
          {...form.getInputProps('again')}
        />
        {link.code ? (
          <TextInput
            label={t('A code of the app, or a recovery code')}
            description={t('Codes have been on since {{time}}: a link alone is not enough', {
              time: formatTime(link.codesSince ?? 0),
            })}
            required
            autoComplete="one-time-code"
            {...form.getInputProps('code')}
          />
        ) : null}
        {link.code ? (
          <Text size="sm" c="dimmed">
            {t(
              'It was not you who switched them on, or you have lost both the app and the recovery codes? An administrator of your domain can reset the second factors: then open the link again, or ask for another one.',
            )}
          </Text>
        ) : null}
        <Button type="submit" loading={submit.isBusy}>
          {t('Change the password')}
        </Button>
      </Stack>
    </form>
  );
}

function Changed({ login, tokensRemoved, passkeysRemoved, codes, appPasswords }: Output<'recovery.reset'>) {
  const { t } = useTranslation();
  return (
    <Door title={t('The password is changed')}>
      <Stack>
        <Alert color="green" variant="light" role="status">
          {t('{{login}} has a new password. Whoever was logged in to this page has been logged out.', { login })}
        </Alert>
        <Text size="sm">
          {t(
            'Programs that use the password itself need the new one; app passwords are as they were. If you have forgotten it because somebody else has changed it, look at the app passwords too.',
          )}
        </Text>
        {tokensRemoved === 0 ? null : (
          <Text size="sm">{t('API tokens that were removed: {{count}}', { count: tokensRemoved })}</Text>
        )}
        {passkeysRemoved === 0 ? null : (
          <Text size="sm">
            {t('Passkeys that were removed: {{count}}. Add your own again under Account and security.', {
              count: passkeysRemoved,
            })}
          </Text>
        )}
        {codes ? <Text size="sm">{t('Codes of the app are asked for as before.')}</Text> : null}
        {appPasswords === 0 ? null : (
          <Text size="sm">{t('App passwords that still open the mailbox: {{count}}', { count: appPasswords })}</Text>
        )}
        <ButtonLink to="/">{t('Log in')}</ButtonLink>
      </Stack>
    </Door>
  );
}

/** With the time that remains, where the server has told it. */
function waiting(error: unknown, t: (text: string, values: Record<string, string>) => string): unknown {
  if (!(error instanceof Problem) || error.retryAfterSeconds === undefined) return error;
  const time = formatDuration(error.retryAfterSeconds);
  return new Error(t('Too many have asked from here. Try again in {{time}}.', { time }));
}
