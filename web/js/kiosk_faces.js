/*
 * The faces of an opinion screen, drawn.
 *
 *   classic   round faces from red to green
 *   contrast  for people who do not tell red from green: orange, grey and blue, each with an outline of its own, heavier lines
 *   weather   from storm to sun, for people who do not read faces or words
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
const CLASSIC = ["#c4353d", "#dd6b2d", "#d9a514", "#79a832", "#2c8f56"], CONTRAST = ["#b34700", "#c9772f", "#6d7478", "#3a86b8", "#005b96"];
const OUTLINES = [
  '<path d="M32 4h36l28 28v36L68 96H32L4 68V32z"/>', '<path d="M32 4h36l28 28v36L68 96H32L4 68V32z"/>',
  '<rect x="6" y="6" width="88" height="88" rx="20"/>', '<circle cx="50" cy="50" r="47"/>', '<circle cx="50" cy="50" r="47"/>',
];
const CLOUD = '<path d="M26 62a16 16 0 0 1 3-31.7a22 22 0 0 1 42-3A17 17 0 0 1 75 62z"/>';
const WEATHER = [
  `<g fill="#4d5b66">${CLOUD}</g><path d="M46 58 36 78h12l-6 18 20-26H49l7-12z" fill="#f2b705"/><path d="m24 70-5 12m55-12-5 12m-42 2-4 10" stroke="#3a86b8" stroke-width="5" stroke-linecap="round"/>`,
  `<g fill="#71818d">${CLOUD}</g><path d="m30 70-6 18m25-18-6 18m25-18-6 18" stroke="#3a86b8" stroke-width="5" stroke-linecap="round"/>`,
  `<g fill="#9aa8b2" transform="translate(0 14)">${CLOUD}</g>`,
  `<circle cx="64" cy="34" r="20" fill="#f2b705"/><path d="M64 4v-2M92 16l3-3M96 38h4M88 60l4 4" stroke="#f2b705" stroke-width="5" stroke-linecap="round"/><g fill="#b9c6cf" transform="translate(-4 22)">${CLOUD}</g>`,
  '<circle cx="50" cy="50" r="24" fill="#f2b705"/><path d="M50 6v12M50 82v12M6 50h12M82 50h12M19 19l8 8M73 73l8 8M81 19l-8 8M27 73l-8 8" stroke="#f2b705" stroke-width="7" stroke-linecap="round"/>',
];

/** Which of five moods a face of `faces` is, 0 the least happy one. @param {number} value @param {number} faces */
export const moodOf = (value, faces) => [[0, 2, 4], [0, 1, 3, 4], [0, 1, 2, 3, 4]][faces - 3][value - 1];

/** @param {string} set @param {number} mood @returns {string} */
export function drawFace(set, mood) {
  if (set === "weather") return `<svg viewBox="0 0 100 100" fill="none" aria-hidden="true">${WEATHER[mood]}</svg>`;
  const bend = (mood - 2) * 11, heavy = set === "contrast";
  const shape = heavy ? OUTLINES[mood] : OUTLINES[4];
  return `<svg viewBox="0 0 100 100" aria-hidden="true"><g fill="${(heavy ? CONTRAST : CLASSIC)[mood]}">${shape}</g>` +
    `<circle cx="34" cy="40" r="${heavy ? 7 : 6}" fill="#fff"/><circle cx="66" cy="40" r="${heavy ? 7 : 6}" fill="#fff"/>` +
    `<path d="M29 ${66 - bend / 2} Q50 ${66 + bend} 71 ${66 - bend / 2}" fill="none" stroke="#fff" stroke-width="${heavy ? 9 : 7}" stroke-linecap="round"/></svg>`;
}
