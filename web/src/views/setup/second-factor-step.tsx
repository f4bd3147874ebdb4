// Step 1, second half, for whoever has chosen a password: something besides it, since passwords are given away by mistake.

import { Alert, Button, Card, Group, SegmentedControl, Stack, Text } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call, type Output, useCall } from '../../api.ts';
import { Icon } from '../../parts/icon.tsx';
import { canMakePasskeys, makePasskey } from '../../parts/passkey.ts';
import { Failed, Loading } from '../../parts/states.tsx';
import { TotpSetup } from '../../parts/totp-setup.tsx';
import { useSubmit } from '../../parts/use-submit.ts';
import { StepHead } from './step-head.tsx';

const route = getRouteApi('/setup');

export function SecondFactorStep({ login }: { readonly login: string }) {
  const { t } = useTranslation();
  const factors = useCall('account.second-factors', {});
  return (
    <>
      <StepHead title={t('A second lock')}>
        {t('Whoever finds out the password of {{login}} still cannot log in.', { login })}
      </StepHead>
      {factors.isPending ? <Loading /> : null}
      {factors.data !== undefined || factors.error === null ? null : (
        <Failed error={factors.error} onRetry={() => void factors.refetch()} />
      )}
      {factors.data === undefined ? null : <Ways login={login} factors={factors.data} />}
    </>
  );
}

function Ways({ login, factors }: { readonly login: string; readonly factors: Output<'account.second-factors'> }) {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const [way, setWay] = useState<'app' | 'passkey'>('app');
  const [isLater, setLater] = useState(false);
  const [isConfirmed, setConfirmed] = useState(false);
  // As it was when the step began: while recovery codes are shown nothing takes their place.
  const [isDone] = useState(factors.totp || factors.passkeys.length > 0);
  const goOn = () => void navigate({ search: { step: 'host' } });
  if (isDone) {
    return (
      <Stack>
        <Alert color="green" variant="light" icon={<Icon name="done" />} title={t('It is there')}>
          {factors.totp ? t('Codes of an app are asked for.') : t('You can log in with a passkey.')}
        </Alert>
        <Group justify="flex-end">
          <Button onClick={goOn}>{t('Continue')}</Button>
        </Group>
      </Stack>
    );
  }
  return (
    <Stack>
      <Card withBorder p={{ base: 'md', sm: 'xl' }}>
        <Stack>
          {canMakePasskeys() && !isConfirmed ? (
            <SegmentedControl
              aria-label={t('Which second lock')}
              value={way}
              onChange={(value) => setWay(value as 'app' | 'passkey')}
              data={[
                { value: 'app', label: t('Codes of an app') },
                { value: 'passkey', label: t('A passkey') },
              ]}
            />
          ) : null}
          {way === 'app' ? (
            <TotpSetup login={login} onDone={goOn} onConfirmed={() => setConfirmed(true)} />
          ) : (
            <AddPasskey onDone={goOn} />
          )}
        </Stack>
      </Card>
      {isConfirmed ? null : isLater ? (
        <Warning onSure={goOn} />
      ) : (
        <Group justify="flex-end">
          <Button variant="subtle" onClick={() => setLater(true)}>
            {t('Later')}
          </Button>
        </Group>
      )}
    </Stack>
  );
}

function Warning({ onSure }: { readonly onSure: () => void }) {
  const { t } = useTranslation();
  const text = t(
    'Whoever learns it can read and redirect the mail of this host. You find the second lock later under “Account and security”.',
  );
  return (
    <Alert
      color="orange"
      variant="light"
      icon={<Icon name="warning" />}
      title={t('The password alone then protects all mail')}
    >
      <Stack gap="sm" align="flex-start">
        <Text size="sm">{text}</Text>
        <Button variant="default" size="sm" onClick={onSure} autoFocus>
          {t('Go on without it')}
        </Button>
      </Stack>
    </Alert>
  );
}

function AddPasskey({ onDone }: { readonly onDone: () => void }) {
  const { t } = useTranslation();
  const { isBusy, error, run } = useSubmit([]);
  const add = () =>
    run(
      async () => {
        const response = await makePasskey(await call('account.passkey-options', {}));
        if (response === undefined) throw new Error(t('The browser has made no passkey. Try again.'));
        await call('account.passkey-add', { name: t('First passkey'), response });
        onDone();
      },
      () => undefined,
    );
  return (
    <Stack align="flex-start">
      {error === undefined ? null : <Failed error={error} />}
      <Text size="sm">{t('This device, a telephone or a security key proves that it is you.')}</Text>
      <Button leftSection={<Icon name="key" />} loading={isBusy} onClick={() => void add()}>
        {t('Add a passkey')}
      </Button>
    </Stack>
  );
}
