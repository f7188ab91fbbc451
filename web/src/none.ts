/** Stands in for parts of libraries that the page never uses. */
export default {};
