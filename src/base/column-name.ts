/** A column's name as a program says it: in quotes, unless it is one plain word. */
export const columnName = (name: string): string => (/^[A-Za-z_]\w*$/.test(name) ? name : `"${name.replace(/["\\]/g, '\\$&')}"`);
