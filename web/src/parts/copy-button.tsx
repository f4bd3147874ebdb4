// Puts a text into the clipboard, and says that it has.

import { Button, type ButtonProps, CopyButton as Copying } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Icon } from './icon.tsx';

interface CopyButtonProps extends ButtonProps {
  readonly text: string;
  /** What is copied, for those who do not see what stands beside it. */
  readonly what: string;
}

export function CopyButton({ text, what, ...props }: CopyButtonProps) {
  const { t } = useTranslation();
  return (
    <Copying value={text} timeout={3000}>
      {({ copied, copy }) => (
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<Icon name={copied ? 'done' : 'copy'} size={15} />}
          onClick={copy}
          {...props}
        >
          {copied ? t('Copied') : t('Copy')}
          <span className="visually-hidden"> {what}</span>
        </Button>
      )}
    </Copying>
  );
}
