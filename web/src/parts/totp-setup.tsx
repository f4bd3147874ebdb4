// Codes of an app (TOTP): the secret as a picture and in letters, a first code that shows that it works, and the recovery
// codes that come with it. Begins anew whenever it is shown: a secret that nobody has confirmed counts for nothing.

import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call, type Output } from '../api.ts';
import { CopyButton } from './copy-button.tsx';
import { QrCode } from './qr-code.tsx';
import { RecoveryCodes } from './recovery-codes.tsx';
import { Failed, Loading } from './states.tsx';
import { useSubmit } from './use-submit.ts';

interface TotpSetupProps {
  readonly login: string;
  /** The codes are asked for from now on, and the recovery codes are kept. */
  readonly onDone: () => void;
  /** The recovery codes are shown: nothing may take their place. */
  readonly onConfirmed?: () => void;
}

export function TotpSetup({ login, onDone, onConfirmed }: TotpSetupProps) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [made, setMade] = useState<Output<'account.totp-start'>>();
  const [failure, setFailure] = useState<unknown>();
  const [recoveryCodes, setRecoveryCodes] = useState<readonly string[]>();
  const [code, setCode] = useState('');
  const [codeError, setCodeError] = useState<string>();
  // Nothing is read again until the codes are kept: whoever shows this may look otherwise then, and nobody shows them twice.
  const { isBusy, error, run } = useSubmit();
  const hasBegun = useRef(false);
  const begin = () => {
    setFailure(undefined);
    call('account.totp-start', {}).then(setMade, setFailure);
  };
  useEffect(() => {
    if (hasBegun.current) return;
    hasBegun.current = true;
    begin();
  });
  if (failure !== undefined) return <Failed error={failure} onRetry={begin} />;
  if (recoveryCodes !== undefined) {
    const done = () => {
      void queries.invalidateQueries();
      onDone();
    };
    return <RecoveryCodes codes={recoveryCodes} login={login} onDone={done} />;
  }
  if (made === undefined) return <Loading />;
  const confirm = (event: FormEvent) => {
    event.preventDefault();
    setCodeError(undefined);
    const work = async () => {
      setRecoveryCodes((await call('account.totp-confirm', { code })).recoveryCodes);
      onConfirmed?.();
    };
    void run(work, (_field, text) => setCodeError(text));
  };
  return (
    <form onSubmit={confirm}>
      <Stack>
        {error === undefined ? null : <Failed error={error} />}
        <Group align="flex-start" gap="lg">
          <QrCode text={made.uri} label={t('QR code for the app')} size={180} />
          <Stack gap="xs" style={{ flex: '1 1 220px' }}>
            <Text size="sm">
              {t('Scan this with an app for one-time codes on your telephone, or type the key into it:')}
            </Text>
            <Text className="mono" size="sm">
              {grouped(made.secret)}
            </Text>
            <Group>
              <CopyButton text={made.secret} what={t('key')} />
            </Group>
          </Stack>
        </Group>
        <TextInput
          label={t('The code that the app shows now')}
          inputMode="numeric"
          autoComplete="one-time-code"
          maxLength={7}
          required
          maw={320}
          value={code}
          onChange={(event) => setCode(event.currentTarget.value)}
          error={codeError && t('{{problem}}. Is the clock of the device right?', { problem: codeError })}
        />
        <Group justify="flex-end">
          <Button type="submit" loading={isBusy}>
            {t('Confirm the code')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function grouped(secret: string): string {
  return secret.replace(/(.{4})(?=.)/g, '$1 ');
}
