export default function NeworganizationPage() {
  return null;
}
