/** The bytes of 2/pi after the point, most significant first: enough to reduce any float32 (Payne and Hanek, 1983). */
export const TWO_OVER_PI = [162, 249, 131, 110, 78, 68, 21, 41, 252, 39, 87, 209, 245, 52, 221, 192, 219, 98, 149, 153] as const;

/** Larger angles are reduced with the bytes, smaller ones by subtracting multiples of pi/2. */
export const FAR_ANGLE = 20000;

/** A quarter turn in units of 2^-30 of it. */
export const QUARTER_UNIT = Math.PI / 2 / 2 ** 30;
