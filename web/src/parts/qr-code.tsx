// A text as a QR code, drawn here: always dark on white, whatever the page's light, since many cameras read nothing else.

import { Box } from '@mantine/core';
import { useMemo } from 'react';
import { encode } from 'uqr';

interface QrCodeProps {
  readonly text: string;
  /** What it is, for those who do not see it. */
  readonly label: string;
  readonly size?: number;
}

/** White around it, in modules (ISO/IEC 18004 §9.1). */
const quietZone = 4;

export function QrCode({ text, label, size = 200 }: QrCodeProps) {
  const { width, path } = useMemo(() => draw(text), [text]);
  return (
    <Box component="svg" role="img" aria-label={label} viewBox={`0 0 ${width} ${width}`} w={size} h={size} maw="100%">
      <rect width={width} height={width} fill="#fff" rx={2} />
      <path d={path} fill="#000" shapeRendering="crispEdges" />
    </Box>
  );
}

function draw(text: string): { readonly width: number; readonly path: string } {
  const { data, size } = encode(text, { ecc: 'M', border: quietZone });
  const cells = data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])));
  return { width: size, path: cells.join('') };
}
