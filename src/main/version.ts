// The version that this is, as package.json says; without reading a file at each start.

export const version = '0.1.0';
