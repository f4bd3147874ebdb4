// Who one is: login and password, a code of an app where one is needed, or a passkey. Used at the door, and above a view whose
// session has ended.

import { Button, Divider, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { type FormEvent, useCallback, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../parts/icon.tsx';
import { AnchorLink } from '../parts/links.tsx';
import { Failed } from '../parts/states.tsx';
import type { Session } from '../session.tsx';
import { LockedOut } from './locked-out.tsx';
import { canUsePasskeys } from './passkey-here.ts';
import { type LoginState, useLogin } from './use-login.ts';

interface LoginFormProps {
  /** Whose session has ended: the login that stands there. */
  readonly former?: string;
  readonly onDone: (session: Session) => void;
}

export function LoginForm({ former = '', onDone }: LoginFormProps) {
  const state = useLogin(onDone);
  const [login, setLogin] = useState(former);
  return state.step === 'code' ? (
    <CodeStep state={state} />
  ) : (
    <PasswordStep state={state} login={login} onLogin={setLogin} />
  );
}

interface PasswordStepProps {
  readonly state: LoginState;
  readonly login: string;
  readonly onLogin: (login: string) => void;
}

function PasswordStep({ state, login, onLogin }: PasswordStepProps) {
  const { t } = useTranslation();
  const [password, setPassword] = useState('');
  const [isFree, setFree] = useState(false);
  const free = useCallback(() => setFree(true), []);
  const passwordField = useRef<HTMLInputElement>(null);
  const isLocked = state.lockedUntil !== undefined && !isFree;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setFree(false);
    if (await state.withPassword(login.trim(), password)) return;
    setPassword('');
    passwordField.current?.focus();
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack>
        {state.error === undefined ? null : <Failed error={state.error} />}
        {state.lockedUntil === undefined ? null : (
          <LockedOut key={state.lockedUntil} until={state.lockedUntil} onOver={free} />
        )}
        <TextInput
          label={t('Login or address')}
          name="username"
          autoComplete="username webauthn"
          autoCapitalize="none"
          spellCheck={false}
          required
          data-autofocus={login === '' ? true : undefined}
          autoFocus={login === ''}
          value={login}
          onChange={(event) => onLogin(event.currentTarget.value)}
        />
        <PasswordInput
          ref={passwordField}
          label={t('Password')}
          name="password"
          autoComplete="current-password"
          required
          data-autofocus={login === '' ? undefined : true}
          autoFocus={login !== ''}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          visibilityToggleButtonProps={{ 'aria-label': t('Show the password') }}
        />
        <Button type="submit" loading={state.isBusy} disabled={isLocked} fullWidth>
          {t('Log in')}
        </Button>
        {canUsePasskeys() ? (
          <>
            <Divider label={t('or')} labelPosition="center" />
            <Button
              variant="default"
              leftSection={<Icon name="key" />}
              disabled={state.isBusy}
              onClick={() => void state.withPasskey()}
              fullWidth
            >
              {t('Use a passkey')}
            </Button>
          </>
        ) : null}
        <AnchorLink to="/forgotten" size="sm">
          {t('Password forgotten?')}
        </AnchorLink>
      </Stack>
    </form>
  );
}

function CodeStep({ state }: { readonly state: LoginState }) {
  const { t } = useTranslation();
  const [code, setCode] = useState('');
  const [isFree, setFree] = useState(false);
  const free = useCallback(() => setFree(true), []);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setFree(false);
    if (await state.withCode(code)) return;
    setCode('');
    field.current?.focus();
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack>
        <Text size="sm">
          {t('The password is right. Now the code that your app shows, or one of your recovery codes.')}
        </Text>
        {state.error === undefined ? null : <Failed error={state.error} />}
        {state.lockedUntil === undefined ? null : (
          <LockedOut key={state.lockedUntil} until={state.lockedUntil} onOver={free} />
        )}
        <TextInput
          ref={field}
          label={t('Code')}
          name="code"
          autoComplete="one-time-code"
          autoCapitalize="none"
          spellCheck={false}
          required
          value={code}
          error={state.codeError}
          onChange={(event) => setCode(event.currentTarget.value)}
        />
        <Button type="submit" loading={state.isBusy} disabled={state.lockedUntil !== undefined && !isFree} fullWidth>
          {t('Go on')}
        </Button>
        <Button variant="subtle" onClick={state.back}>
          {t('Back')}
        </Button>
        <Text size="sm" c="dimmed">
          {t(
            'Lost both? An administrator can take the codes away: of your domain for a mailbox, of the host for an administrator.',
          )}
        </Text>
      </Stack>
    </form>
  );
}
