// How the page looks: the system's own fonts, one blue, quiet greys. Text has at least 4.5 : 1 against what it stands on (WCAG
// 2.2, 1.4.3), which Mantine's own light variants and dimmed texts have not.

import { type CSSVariablesResolver, createTheme, darken, lighten, type MantineColorsTuple } from '@mantine/core';

const post: MantineColorsTuple = [
  '#edf3ff',
  '#dae4fa',
  '#b1c6f0',
  '#85a6e7',
  '#608be0',
  '#487adc',
  '#3b6fd9',
  '#2257c4',
  '#1f53b0',
  '#12479c',
];

export const theme = createTheme({
  primaryColor: 'post',
  primaryShade: 7,
  colors: { post },
  defaultRadius: 'md',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Code", "DejaVu Sans Mono", Menlo, monospace',
  cursorType: 'pointer',
  respectReducedMotion: true,
  headings: { fontWeight: '650' },
  components: {
    // Their heads are elements that mean the page's own (HTML §4.3.9): a screen reader would find several. A click beside a
    // dialog must not throw away what was typed there, nor a password that is shown once. Escape: parts/escape.ts.
    Modal: {
      defaultProps: {
        closeOnClickOutside: false,
        closeOnEscape: false,
        attributes: { header: { role: 'presentation' } },
      },
    },
    Drawer: { defaultProps: { closeOnEscape: false, attributes: { header: { role: 'presentation' } } } },
  },
});

export const cssVariables: CSSVariablesResolver = ({ colors }) => {
  const light: Record<string, string> = {
    '--mantine-color-dimmed': colors.gray[7],
    '--mantine-color-placeholder': colors.gray[7],
    '--mantine-color-error': colors.red[9],
  };
  const dark: Record<string, string> = {
    '--mantine-color-dimmed': colors.dark[1],
    '--mantine-color-placeholder': colors.dark[1],
    '--mantine-color-error': colors.red[4],
    '--mantine-color-anchor': post[3],
  };
  for (const [name, shades] of Object.entries(colors)) {
    if (name === 'dark') continue;
    for (const use of ['light-color', 'outline']) {
      light[`--mantine-color-${name}-${use}`] = darken(shades[9], 0.35);
      dark[`--mantine-color-${name}-${use}`] = lighten(shades[2], 0.1);
    }
    light[`--mantine-color-${name}-text`] = darken(shades[9], 0.2);
    if (name === 'post') continue;
    for (const scheme of [light, dark]) {
      scheme[`--mantine-color-${name}-filled`] = darken(shades[9], 0.25);
      scheme[`--mantine-color-${name}-filled-hover`] = darken(shades[9], 0.35);
    }
  }
  return { variables: {}, light, dark };
};
